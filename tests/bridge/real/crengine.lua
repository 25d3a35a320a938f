--- A book that flows, as crengine would lay it out: thirty pages, and a place at the top of each. What has to do with
-- fonts, styles and pictures does nothing.
local PAGES, HEIGHT = 30, 800 -- of a page

local function place(page) return ("/body/p[%d].0"):format(page) end
local function pageOf(xpointer) return tonumber(tostring(xpointer):match("^/body/p%[(%d+)%]%.0$")) end

local View = {}
function View:getPages() return PAGES end
function View:getFullHeight() return PAGES * HEIGHT end
function View:getCurrentPage() return self.page end
function View:getCurrentPos() return (self.page - 1) * HEIGHT end
function View:gotoPage(page) self.page = math.min(math.max(math.floor(page), 1), PAGES) end
function View:gotoPos(pos) self:gotoPage(pos / HEIGHT + 1) end
function View:getXPointer() return place(self.page) end
function View:isXPointerInDocument(xpointer)
    local page = pageOf(xpointer)
    return page ~= nil and page >= 1 and page <= PAGES
end

-- The real one goes to the beginning when there is no such place.
function View:getPageFromXPointer(xpointer) return self:isXPointerInDocument(xpointer) and pageOf(xpointer) or 1 end
function View:gotoXPointer(xpointer) self:gotoPage(self:getPageFromXPointer(xpointer)) end
function View:getPosFromXPointer(xpointer) return (self:getPageFromXPointer(xpointer) - 1) * HEIGHT, 0 end
function View:drawCurrentPage() return 0, 0 end -- pictures, and how much of the page they fill

local function lists() return {} end
for _, name in ipairs{ "getToc", "getPageLinks", "getDocumentProps" } do View[name] = lists end
local function zero() return 0 end
for _, name in ipairs{ "getHeaderHeight", "getSyntheticPageMapCharsPerPage" } do
    View[name] = zero
end
local function one() return 1 end
for _, name in ipairs{ "getVisiblePageCount", "getVisiblePageNumberCount" } do View[name] = one end
function View:getPageMargins() return { left = 0, top = 0, right = 0, bottom = 0 } end
function View:loadDocument() return true end
function View:getDocumentFormat() return "EPUB" end

local function nothing() end
local function shell(of)
    return setmetatable(of, { __index = function(_, name) return rawget(View, name) or nothing end })
end

return setmetatable({
    newDocView = function() return shell{ page = 1 } end,
    getFontFaces = lists, getLatestDomVersion = one, getDomVersionWithNormalizedXPointers = one,
}, { __index = function() return nothing end })
