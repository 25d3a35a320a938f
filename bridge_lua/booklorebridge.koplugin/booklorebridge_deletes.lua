--- Notices a book that is deleted, while its sidecar can still be read: KOReader has no event for that.
local DocSettings = require("docsettings")
local Snapshot = require("booklorebridge_snapshot")
local Spool = require("booklorebridge_spool")
local guarded = require("booklorebridge_guard")
local lfs = require("libs/libkoreader-lfs")

local deleted = guarded(function(file)
    local sidecar = DocSettings:findSidecarFile(file)
    if not sidecar or lfs.attributes(file, "mode") then return end
    local settings = DocSettings.openSettingsFile(sidecar) -- :open would delete a sidecar that it cannot read
    local book = Snapshot.describe(file, settings, settings:readSetting("doc_pages"))
    if book.partial_md5 then Spool.record("delete", { book = book }, true) end
end)

-- The one hook into KOReader, set once as this file is loaded once. Renames, moves and copies pass here with a target.
local original = DocSettings.updateLocation
DocSettings.updateLocation = function(file, new, ...)
    if not new then deleted(file) end
    return original(file, new, ...)
end
