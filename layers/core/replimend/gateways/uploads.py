"""Multipart copies under way, in the ledger: who works on one, its upload id, its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from replimend.domain.recopy.copying import CopiedPart, Upload
from replimend.gateways.table import Item, Table

STATE, CLAIM, PARTS = "STATE", "CLAIM", "PARTS#"
KEPT = timedelta(days=30)
"""Longer than any copy takes; what nobody went on with leaves the table by itself."""


@dataclass(frozen=True, slots=True)
class UploadLedger:
    """Items of partition `COPY#id`: `STATE`, `CLAIM`, and `PARTS#upload#number` a checkpoint."""

    table: Table

    def claim(self, copy_id: str, owner: str, now: datetime, until: datetime) -> bool:
        """Whether the caller now is the only one to work on this copy, until then."""
        nobody_has_it = "attribute_not_exists(#until) OR #until < :now"
        i_have_it = "#holder = :me"
        return self.table.update(
            _pk(copy_id),
            CLAIM,
            {"holder": owner, "until": until.isoformat(), "expires_at": _expiry(now)},
            only_if=f"{nobody_has_it} OR {i_have_it}",
            given={"now": now.isoformat(), "me": owner},
        )

    def release(self, copy_id: str, owner: str) -> None:
        """Let others work on it, if the claim still is the caller's."""
        self.table.update(
            _pk(copy_id),
            CLAIM,
            {"holder": None, "until": None},
            only_if="#holder = :me",
            given={"me": owner},
        )

    def find(self, copy_id: str) -> Upload | None:
        """The upload under way, or intended, or None."""
        item = self.table.get(_pk(copy_id), STATE)
        return _upload(copy_id, item) if item is not None and "etag" in item else None

    def intend(self, upload: Upload) -> None:
        """Note that an upload is about to be started, in place of any earlier one."""
        self.table.put(_item(upload))

    def started(self, upload: Upload) -> None:
        """Note the id that S3 gave to the intended upload."""
        self.table.put(_item(upload))

    def add_parts(self, upload: Upload, parts: Sequence[CopiedPart]) -> None:
        """Note parts that S3 has; noting them again changes nothing."""
        if not parts:
            return
        self.table.put(
            {
                "pk": _pk(upload.copy_id),
                "sk": f"{_parts_of(upload)}{parts[0].number:05}",
                "parts": [[part.number, part.etag, part.checksum] for part in parts],
                "expires_at": _expiry(upload.started_at),
            }
        )

    def parts(self, upload: Upload) -> tuple[CopiedPart, ...]:
        """The noted parts of exactly this upload, by number."""
        found = {
            int(number): CopiedPart(number=int(number), etag=etag, checksum=checksum)
            for item in self.table.query(_pk(upload.copy_id), _parts_of(upload))
            for number, etag, checksum in item["parts"]
        }
        return tuple(found[number] for number in sorted(found))

    def forget(self, copy_id: str) -> None:
        """Note that nothing is under way any more."""
        nothing = dict.fromkeys(("upload_id", "etag", "part_size", "started_at"))
        self.table.update(_pk(copy_id), STATE, nothing)


def _pk(copy_id: str) -> str:
    return f"COPY#{copy_id}"


def _parts_of(upload: Upload) -> str:
    return f"{PARTS}{upload.upload_id}#"


def _expiry(start: datetime) -> int:
    return int((start + KEPT).timestamp())


def _item(upload: Upload) -> Item:
    return {
        "pk": _pk(upload.copy_id),
        "sk": STATE,
        "upload_id": upload.upload_id,
        "etag": upload.etag,
        "part_size": upload.part_size,
        "started_at": upload.started_at.isoformat(),
        "expires_at": _expiry(upload.started_at),
    }


def _upload(copy_id: str, item: Item) -> Upload:
    return Upload(
        copy_id=copy_id,
        upload_id=item.get("upload_id"),
        etag=item["etag"],
        part_size=item["part_size"],
        started_at=datetime.fromisoformat(item["started_at"]),
    )
