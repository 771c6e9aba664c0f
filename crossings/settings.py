"""One settings object; every field can be set by an environment variable with the prefix CROSSINGS_."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from crossings.errors import CrossingsError

_HERE = Path(__file__).resolve().parent


def _project_data() -> Path:
    """data/ of the working directory or of the checkout, else the copy that travels inside the package."""
    for candidate in (Path.cwd() / "data", _HERE.parent / "data"):
        if (candidate / "reference").is_dir():
            return candidate
    return _HERE / "_data"


class Settings(BaseSettings):
    """Where things lie and how the pipeline behaves.

    Attributes
    ----------
    data : folder with register/, reference/ and sources/.
    lake : folder for raw payloads, quarantine and releases; made when first written to.
    contact : address or page put into the User-Agent, so that a publisher can complain.
    workers : sources or countries that a Prefect run works on at a time.
    """

    model_config = SettingsConfigDict(env_prefix="CROSSINGS_", env_ignore_empty=True, extra="ignore")

    data: Path = Field(default_factory=_project_data)
    lake: Path | None = None
    contact: str = ""
    workers: int = Field(default=2, ge=1, le=64)

    @property
    def lake_path(self) -> Path:
        """The lake: as set, else data/lake beside the data."""
        inside_package = self.data == _HERE / "_data"
        return self.lake or ((Path.cwd() / "data" if inside_package else self.data) / "lake")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read from the environment once."""
    from pydantic import ValidationError

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "CROSSINGS_" + "_".join(str(p) for p in first["loc"]).upper()
        raise CrossingsError(f"{name}: {first['msg']}", "correct or unset this environment variable") from error
