"""Coming from the Lua plugin: its `booklore-sync.sqlite` is taken over, so that nothing is doubled and nothing is lost.

The tables of every version are read (lua-plugin-behaviour §2), whatever columns they have. Older stores of that plugin,
`booklore.lua` and `booklore_db.lua`, are not: the plugin itself takes them into its database when it is started once.
"""
