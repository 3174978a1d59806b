"""The settings of how mails look and whom they come from."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from contracts.environment import SharedSettings
from contracts.names import can_be_seen
from mailer_service.mailing.brand import DEFAULT_COLOR, NAME_CHARACTERS_MAX, Brand, check_name
from mailer_service.mailing.colors import Color
from mailer_service.mailing.mailbox import Mailbox


class BrandSettings(SharedSettings):
    """A sender and a brand; all of the brand may be left out."""

    sender: str = Field(
        validation_alias="MAILER_FROM",
        json_schema_extra={"mend": "set it to an address with an optional name: Porter <porter@example.org>"},
    )
    brand_name: str = Field(
        default="",
        validation_alias="MAILER_BRAND_NAME",
        json_schema_extra={
            "mend": f"set it to what people call the service, up to {NAME_CHARACTERS_MAX} characters, "
            "or leave it out to use the name in MAILER_FROM"
        },
    )
    brand_color: str = Field(
        default=DEFAULT_COLOR,
        validation_alias="MAILER_BRAND_COLOR",
        json_schema_extra={"mend": f"set it to six hexadecimal digits such as {DEFAULT_COLOR}"},
    )
    brand_logo: str = Field(
        default="",
        validation_alias="MAILER_BRAND_LOGO",
        json_schema_extra={
            "mend": f"set it to the words that head each mail, up to {NAME_CHARACTERS_MAX} characters, "
            "or leave it out to use the service's name"
        },
    )
    support_address: str = Field(
        default="",
        validation_alias="MAILER_SUPPORT_ADDRESS",
        json_schema_extra={
            "mend": "set it to the bare address that answers people, such as help@example.org, "
            "or leave it out"
        },
    )
    answers_to: str = Field(
        default="",
        validation_alias="MAILER_REPLY_TO",
        json_schema_extra={
            "mend": "set it to where answers to mails go, such as Help <help@example.org>, "
            "or leave it out to use MAILER_SUPPORT_ADDRESS"
        },
    )

    @field_validator("sender")
    @classmethod
    def _address(cls, sender: str) -> str:
        return _checked_mailbox(sender)

    @field_validator("brand_name", "brand_logo")
    @classmethod
    def _readable(cls, name: str) -> str:
        if name:
            check_name(name)
        return name

    @field_validator("brand_color")
    @classmethod
    def _colour(cls, written: str) -> str:
        return str(Color.parse(written))

    @field_validator("support_address")
    @classmethod
    def _bare(cls, address: str) -> str:
        if "<" in address:
            raise ValueError("is more than an address")
        if address:
            Mailbox.of(address)
        return address

    @field_validator("support_address", "answers_to")
    @classmethod
    def _answers(cls, address: str) -> str:
        return _checked_mailbox(address) if address else address

    def brand(self) -> Brand:
        """Make the brand; without a name of its own it has the sender's, else the host's."""
        sender = Mailbox.parse(self.sender).name[:NAME_CHARACTERS_MAX].strip()
        host = urlsplit(self.public_url).netloc[:NAME_CHARACTERS_MAX]
        return Brand(
            name=self.brand_name or (sender if can_be_seen(sender) else host),
            color=self.brand_color,
            logo=self.brand_logo,
            support=self.support_address,
        )

    def reply_to(self) -> Mailbox | None:
        """Tell where answers go, if anyone reads them."""
        written = self.answers_to or self.support_address
        return Mailbox.parse(written) if written else None


def _checked_mailbox(written: str) -> str:
    if any(ord(letter) < ord(" ") for letter in written):
        raise ValueError("has a line break or control character in it")
    if "@" not in written:
        raise ValueError("has no @")
    Mailbox.parse(written)
    return written
