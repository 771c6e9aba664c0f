"""What a report says before any estimate: prepared, judged, encoded, decided."""
