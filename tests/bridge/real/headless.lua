--- Starts an unmodified KOReader without its native libraries: stand-ins for the screen, fonts, input and engines.
-- Run by luajit in the folder of a KOReader checkout, with KO_HOME as its data folder.
local here = arg[0]:match("^(.*)/")
package.path = "./?.lua;common/?.lua;frontend/?.lua;base/?.lua;" .. here .. "/?.lua;" .. package.path
io.stdout:setvbuf("line")

local ffi = require("ffi")
table.pack = table.pack or function(...) return { n = select("#", ...), ... } end
table.unpack = table.unpack or unpack
ffi.log = function() end -- the loader of native libraries tells of each one that it looks for

local function provide(name, make)
    package.preload[name] = function() return type(make) == "function" and make() or make end
end

-- A module that is only loaded: whatever is asked of it does nothing.
local function shell()
    return setmetatable({}, { __index = function() return function() end end })
end

provide("libs/libkoreader-lfs", function() return require("lfs") end)
for _, name in ipairs{ "ffi/mupdf", "ffi/koptcontext", "ffi/archiver", "libs/libkoreader-xtext" } do
    provide(name, shell)
end
if not package.searchpath("rapidjson", package.cpath) then
    provide("rapidjson", function() return require("json") end)
end

provide("ffi/utf8proc", {
    lowercase = string.lower, lowercase_NFKC_Casefold = string.lower, lowercase_dumb = string.lower,
    uppercase_dumb = string.upper, normalize_NFC = function(text) return text end,
    count = function(text) return select(2, text:gsub("[^\128-\191]", "")) end,
})

provide("libs/libkoreader-nnsvg", { new = function()
    local image = shell()
    function image.getSize() return 24, 24 end
    return image
end })

-- Every glyph is a box half as wide as it is high.
provide("ffi/freetype", function()
    local Blitbuffer = require("ffi/blitbuffer")
    local Size = {}
    Size.__index = Size
    function Size:renderGlyph()
        local w, h = math.ceil(self.px / 2), math.ceil(self.px)
        return { bb = Blitbuffer.new(w, h, Blitbuffer.TYPE_BB8), l = 0, t = h, r = w, ax = w, ay = 0 }
    end
    function Size:hasGlyph() return true end
    function Size:getKerning() return 0 end
    function Size:getHeightAndAscender() return self.px * 1.2, self.px end
    function Size:getInfo() return { name = "Box", bold = false, italic = false } end
    function Size:done() end
    return {
        newFaceSize = function(_, px) return setmetatable({ px = px or 16 }, Size) end,
        getFaceCount = function() return 1 end,
    }
end)

-- A picture of thirty pages.
provide("ffi/pic", {
    openDocument = function()
        local page = { width = 600, height = 800 }
        function page:getSize() return 600, 800 end
        function page:getUsedBBox() return 0, 0, 600, 800 end
        function page:close() end
        function page:draw() end
        local document = { width = 600, height = 800 }
        function document:openPage() return page end
        function document:getPages() return 30 end
        function document:getToc() return {} end
        function document:getCacheSize() return 0 end
        function document:cleanCache() end
        function document:getOriginalPageSize() return 600, 800, 4 end
        function document:close() end
        return document
    end,
})

provide("libs/libkoreader-cre", function() return require("crengine") end)

require("ffi/loadlib")
require("ffi/posix_h")
G_defaults = require("luadefaults"):open()
local DataStorage = require("datastorage")
G_reader_settings = require("luasettings"):open(DataStorage:getDataDir() .. "/settings.reader.lua")
G_reader_settings:makeFalse("use_xtext")
require("ffi/blitbuffer"):enableCBB(false)
require("dbg"):turnOn() -- its checks of arguments too
require("logger"):setLevel(require("logger").levels.warn)

provide("libs/libkoreader-input", {
    waitForEvent = function(sec, usec)
        require("ffi/util").usleep(math.min((sec or 0) * 1e6 + (usec or 0), 20000))
        return false, ffi.C.ETIME
    end,
})

provide("device", function()
    local Generic = require("device/generic/device")
    local function yes() return true end
    local function no() return false end
    local Device = Generic:extend{ model = "Headless", isTouchDevice = yes, hasWifiToggle = no, home_dir = arg[1] }
    Device.screen = require("ffi/framebuffer_dummy"):new{ device = Device, debug = function() end }
    Device:init()
    return Device
end)

require("document/canvascontext"):init(require("device"))
require("ui/bidi").setup(nil)
return require(arg[3])
