"""Names of the files in the folder of a training. Imports nothing, so that the dashboard can read the folder, too."""

ARGUMENTS = "arguments.json"  # the command line; a folder without it is no training
SETTINGS = "settings.json"
VERSIONS = "versions.json"  # of this program, Python and the libraries
MANIFEST = "manifest.json"  # the frames, with the SHA-256 of each image
PROBLEMS = "problems.txt"  # what is wrong with the data

CHECKPOINT = "checkpoint.npz"  # what --resume continues from
LAST, BEST = "last.h5", "best.h5"
MODELS = (BEST, LAST)

RESULTS, CURVES = "results.csv", "results.png"  # a row for each epoch
EXAMPLES = "examples.png"  # validation frames with the network's current predictions
VALIDATION_REPORT, WORST_FRAMES = "validation.md", "worst"

PROMOTION_REPORT = "retrain.md"  # the new model compared with the one that it may replace
PROMOTION_PLOT, GAINED, LOST = "retrain.png", "retrain-gained.png", "retrain-lost.png"
PICTURES = (EXAMPLES, PROMOTION_PLOT, GAINED, LOST)  # shown in the browser

LOCK, TENSORBOARD = "lock", "tensorboard"
