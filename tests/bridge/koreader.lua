--- The API points of KOReader that the shim uses, behaving as the real ones do. `host` is the Python side.
-- The files beside it add to `ko`, in which all that a test looks at is kept.
local host = ...
local ko = { tasks = {}, ticks = {}, shown = {}, standby = 0, fsyncs = 0, folder_fsyncs = 0, opened = {}, pipes = {}, actions = {}, log = {} }
ko.settings, ko.flushed_bytes = {}, 0 -- those that are open, and what was written of them
ko.child = { seconds = 0, opened = 0, kib = 0 } -- what children took: time, files, memory at a request

function ko.class(methods)
    local proto = methods or {}
    proto.__index = proto
    function proto:extend(o)
        o = setmetatable(o or {}, self)
        self.__index = self
        return o
    end
    function proto:new(o)
        o = self:extend(o)
        if o.init then o:init() end
        return o
    end
    return proto
end

function ko.provide(name, module)
    package.preload[name] = function() return module end
end

return ko
