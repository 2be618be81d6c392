"""The camera's view in a window, where there is a display. Shows what it is given and nothing more."""

import numpy as np
from PIL import Image

SCALE = 2


class NoDisplay(RuntimeError):
    """This machine, or this Python, cannot open a window."""


class Window:
    """A window of twice the camera's size.

    Raises:
        NoDisplay: tkinter is missing, or there is no display.
    """

    def __init__(self, title: str = "QuadSim stand-in"):
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

    def show(self, rgb: np.ndarray) -> bool:
        """Show (h, w, 3) uint8; False once the user has closed the window."""
        if not self._open:
            return False
        picture = Image.fromarray(rgb).resize((rgb.shape[1] * SCALE, rgb.shape[0] * SCALE), Image.Resampling.NEAREST)
        self._photo = self._photo_of(picture)  # tkinter does not keep it alive
        self._label.configure(image=self._photo)
        self._root.update()
        return self._open

    def _closed(self) -> None:
        self._open = False
        self._root.destroy()
