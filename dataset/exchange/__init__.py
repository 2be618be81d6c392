"""Labelled frames in the formats of other programs: COCO, YOLO, masks with a palette."""
