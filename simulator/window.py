"""Window that shows the camera's view, on machines with a display."""

from PIL import Image as PillowImage

from simulator.types import Image

SCALE = 2


class NoDisplay(RuntimeError):
    """The machine has no display, or Python has no tkinter."""


class Window:
    """Window of twice the size of the image.

    Raises:
        NoDisplay: tkinter is missing, or there is no display.
    """

    def __init__(self, title: str = "Built-in simulator"):
        try:
            import tkinter  # not every Python is built with it

            from PIL import ImageTk

            self._root = tkinter.Tk()
        except Exception as error:  # ImportError, or tkinter.TclError, which has no name when tkinter is missing
            raise NoDisplay(str(error)) from error
        self._root.title(title)
        self._photo_of = ImageTk.PhotoImage
        self._label = tkinter.Label(self._root)
        self._label.pack()
        self._open = True
        self._root.protocol("WM_DELETE_WINDOW", self._closed)

    def show(self, rgb: Image) -> bool:
        """Show (height, width, 3); return False once the user has closed the window."""
        if not self._open:
            return False
        picture = PillowImage.fromarray(rgb).resize(
            (rgb.shape[1] * SCALE, rgb.shape[0] * SCALE), PillowImage.Resampling.NEAREST
        )
        self._photo = self._photo_of(picture)  # tkinter keeps no reference
        self._label.configure(image=self._photo)
        self._root.update()
        return self._open

    def _closed(self) -> None:
        self._open = False
        self._root.destroy()
