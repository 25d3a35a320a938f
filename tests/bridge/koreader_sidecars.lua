--- Sidecars and the history, as deleting and moving find them.
local host, ko = ...
local provide, LuaSettings = ko.provide, require("luasettings")

-- `location` as KOReader's setting: beside the book ("doc"), in a folder by path ("dir"), or by content ("hash"). A
-- digest in a sidecar is that of the file that was opened first; KOReader never computes it anew. A sidecar is Lua text,
-- in which numbers have fourteen digits, and what is cut short is there but cannot be read.
local DocSettings = { sidecars = {}, location = "doc" }
local hashes = {}

local function place(file)
    if DocSettings.location ~= "hash" then return file end
    hashes[file] = hashes[file] or host.partial_md5(file)
    return hashes[file] or file
end

function DocSettings.keep(file, data) DocSettings.write(file, "return " .. ko.spell(data)) end
function DocSettings.write(file, text) DocSettings.sidecars[place(file)] = text end
function DocSettings.purged(folder)
    if DocSettings.location ~= "doc" then return end
    for file in pairs(DocSettings.sidecars) do
        if file:sub(1, #folder + 1) == folder .. "/" then DocSettings.sidecars[file] = nil end
    end
end

function DocSettings:findSidecarFile(file) return self.sidecars[place(file)] and place(file) .. ".sdr" or nil end
local function run(path) return assert(loadstring(DocSettings.sidecars[path:sub(1, -5)]))() end

-- Like the real one it fails over a file that is empty, or gives no table.
function DocSettings.openSettingsFile(path)
    local ok, stored
    if path then ok, stored = pcall(run, path) end
    return LuaSettings:new{ data = ok and next(stored) ~= nil and stored or {} }
end

-- The one for books that are opened deletes what it cannot read.
function DocSettings:open(file)
    local path = self:findSidecarFile(file)
    local ok, stored = pcall(run, path or "")
    if path and not (ok and next(stored or {})) then self.sidecars[place(file)] = nil end
    return LuaSettings:new{ data = ok and stored or {} }
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
