--- Sidecars and the history, as deleting and moving find them.
local host, ko = ...
local provide, LuaSettings = ko.provide, require("luasettings")

-- `location` as KOReader's setting: beside the book ("doc"), in a folder by path ("dir"), or by content ("hash"). A
-- digest in a sidecar is that of the file that was opened first; KOReader never computes it anew.
local DocSettings = { sidecars = {}, location = "doc" }
local hashes = {}

local function place(file)
    if DocSettings.location ~= "hash" then return file end
    hashes[file] = hashes[file] or host.partial_md5(file)
    return hashes[file] or file
end

function DocSettings.keep(file, data) DocSettings.sidecars[place(file)] = data end
function DocSettings.purged(folder)
    if DocSettings.location ~= "doc" then return end
    for file in pairs(DocSettings.sidecars) do
        if file:sub(1, #folder + 1) == folder .. "/" then DocSettings.sidecars[file] = nil end
    end
end

function DocSettings:findSidecarFile(file) return self.sidecars[place(file)] and place(file) .. ".sdr" or nil end
function DocSettings.openSettingsFile(path)
    return LuaSettings:new{ data = path and DocSettings.sidecars[path:sub(1, -5)] or {} }
end
function DocSettings.updateLocation(file, new, copy)
    local data = DocSettings.sidecars[place(file)]
    if new and DocSettings.location ~= "hash" then DocSettings.sidecars[new] = data end
    if not copy and new ~= file and not (new and DocSettings.location == "hash") then
        DocSettings.sidecars[place(file)] = nil
    end
    ko.original_calls = (ko.original_calls or 0) + 1
end
provide("docsettings", DocSettings)
ko.doc_settings = DocSettings

local ReadHistory = { hist = {} }
function ReadHistory:addItem(file)
    self:fileDeleted(file)
    table.insert(self.hist, 1, { file = file })
end
function ReadHistory:fileDeleted(file)
    for i = #self.hist, 1, -1 do
        if self.hist[i].file == file then table.remove(self.hist, i) end
    end
end
function ReadHistory:folderDeleted(folder)
    for i = #self.hist, 1, -1 do
        local file = self.hist[i].file
        if file:sub(1, #folder) == folder then
            table.remove(self.hist, i)
            DocSettings.updateLocation(file)
        end
    end
end
provide("readhistory", ReadHistory)
