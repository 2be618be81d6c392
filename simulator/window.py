"""Window that shows the camera's view to people, on machines with a display."""

from PIL import Image as PillowImage

from simulator.types import Image

SCALE = 2


class Window:
    """Window of twice the size of the image. Raises RuntimeError without a display, or in a Python without tkinter."""

    def __init__(self) -> None:
        try:
            import tkinter  # not every Python is built with it

            from PIL import ImageTk

            self._root = tkinter.Tk()
        except Exception as error:  # ImportError, or tkinter.TclError, which has no name when tkinter is missing
            raise RuntimeError(str(error)) from error
        self._root.title("Built-in simulator")
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        self._label = tkinter.Label(self._root)
        self._label.pack()
        self._photo_of = ImageTk.PhotoImage
        self._open = True

    def show(self, rgb: Image) -> bool:
        """Show (height, width, 3); return False once the user has closed the window."""
        if self._open:
            picture = PillowImage.fromarray(rgb.repeat(SCALE, axis=0).repeat(SCALE, axis=1))
            self._photo = self._photo_of(picture)  # tkinter keeps no reference
            self._label.configure(image=self._photo)
        return self.update()

    def update(self) -> bool:
        """Let the window react, also while there is nothing new to show; return as `show`."""
        if self._open:
            self._root.update()
        return self._open

    def _close(self) -> None:
        self._open = False
        self._root.destroy()
