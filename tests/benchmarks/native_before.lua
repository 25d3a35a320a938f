--- Loaded before the small KOReader, whose file functions count and may fail: keeps the real ones.
package.loaded.native = { open = io.open, rename = os.rename, remove = os.remove }
