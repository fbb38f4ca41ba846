"""The main job on the lab, told as a story and checked claim by claim."""
