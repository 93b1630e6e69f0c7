"""Archives of many files, local or remote, as folders of them: an index, files by their places, and what packs them."""
