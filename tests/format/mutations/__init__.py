"""Files that the page accepts or refuses, each made for one of its sentences."""
