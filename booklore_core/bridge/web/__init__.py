"""The page: what a person may ask for, as forms in the browser (design §10). Nothing here does what an action does."""
