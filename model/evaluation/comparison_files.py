"""Names of what `model.compare` writes. Imports nothing, so that the dashboard can read it, too."""

ABOUT = "comparison.json"  # the models, the data, the number of frames; at the end the tables
FRAMES = "frames.jsonl"  # a line per frame

IMAGES, GROUND_TRUTH = "images", "ground_truth"
SIDES = ("first", "second")  # predictions of the two models
FOLDERS = (IMAGES, GROUND_TRUTH, *SIDES)  # a picture per frame
