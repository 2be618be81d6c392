"""The console of the commands, and lines printed as they are."""

from rich.console import Console

from model.weights.find import describe_place

console = Console()


def print_plain(text: str, style: str | None = None) -> None:
    """Print text as it is: names and paths are no markup, and lines do not wrap."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_place(name: str) -> None:
    """Print which file a model's name stands for, if that is not the file of just this name. Raises WeightsError."""
    if place := describe_place(name):
        print_plain(place)
