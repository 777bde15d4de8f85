"""Headers that the service has written, read back."""

from app.consumer.message import Message


class HeaderTexts(dict[str, str]):
    """A record's headers as text, by name; of duplicates the last counts."""

    @classmethod
    def of(cls, message: Message) -> "HeaderTexts":
        """Decode them; what is no UTF-8 is replaced."""
        return cls((name, value.decode(errors="replace")) for name, value in message.headers)

    def text(self, name: str) -> str:
        """Give a header, empty where it is missing."""
        return self.get(name, "")

    def number(self, name: str) -> int:
        """Give a header of decimal digits, -1 where it is missing or holds anything else."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() else -1
