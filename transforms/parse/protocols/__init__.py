"""One module a publisher's protocol: bytes and options in, statements out."""
