--- HTTP, child processes and Wi-Fi.
local host, ko = ...
local provide = ko.provide

-- HTTP: LuaSocket's shape over a real request

local function http(scheme)
    return { request = function(spec)
        assert(ko.in_child, "a network call on the UI thread")
        ko.last_request = spec
        ko.child.kib = math.max(ko.child.kib, collectgarbage("count"))
        if host.child_hangs() then error("this goes on for ever") end
        local body = spec.source()
        assert(#body == spec.headers["Content-Length"], "the other side would wait for ever")
        local status, text = host.request(scheme, spec.method, spec.url, spec.headers, body)
        if text then spec.sink(text) end
        return status and 1 or nil, status
    end }
end
provide("socket.http", http("http"))
provide("ssl.https", http("https"))
provide("ltn12", { source = { string = function(text) return function() return text end end } })
provide("socketutil", {
    set_timeout = function() end,
    table_sink = function(t) return function(chunk) table.insert(t, chunk) return 1 end end,
})

-- Child processes: the function runs here, at once, but its answer is only read later. What it changes in the settings
-- stays its own; what it does to files does not.

local function copy(value)
    if type(value) ~= "table" then return value end
    local twin = setmetatable({}, getmetatable(value))
    for key, item in pairs(value) do twin[key] = copy(item) end
    return twin
end

local function fork(func, id)
    local kept = {}
    for _, settings in ipairs(ko.settings) do
        kept[settings], settings.data = settings.data, copy(settings.data)
    end
    ko.in_child = true
    local began, opened, ok, err = host.seconds(), #ko.opened, pcall(func, id, id)
    ko.in_child = false
    ko.child = { seconds = ko.child.seconds + host.seconds() - began, opened = ko.child.opened + #ko.opened - opened,
        kib = ko.child.kib }
    if not ok then table.insert(ko.log, "child: " .. tostring(err)) end
    for settings, data in pairs(kept) do settings.data = data end
end

provide("ffi/util", {
    runInSubProcess = function(func)
        if host.fork_fails() then return false, "fork failed" end
        local id = #ko.pipes + 1
        ko.pipes[id] = { text = "" }
        fork(func, id)
        return id, id
    end,
    writeToFD = function(fd, text) ko.pipes[fd].text = host.child_hangs() and "" or text end,
    isSubProcessDone = function(pid) return ko.pipes[pid].killed or not host.child_hangs() end,
    getNonBlockingReadSize = function(fd) return host.child_hangs() and 0 or #ko.pipes[fd].text end,
    readAllFromFD = function(fd)
        local pipe = ko.pipes[fd]
        assert(not pipe.closed, "read twice")
        pipe.closed = true
        return pipe.killed and "" or pipe.text
    end,
    terminateSubProcess = function(pid) ko.pipes[pid].killed = true end,
    sleep = function(seconds)
        assert(ko.in_child, "the UI thread sleeps")
        host.sleep(seconds)
    end,
    fsyncOpenedFile = function(file)
        ko.fsyncs = ko.fsyncs + 1
        return file:flush()
    end,
    fsyncDirectory = function(path)
        ko.folder_fsyncs = ko.folder_fsyncs + 1
        return host.attribute(path, "mode") == "directory"
    end,
    realpath = function(path) return path end,
    template = function(text, value) return (text:gsub("%%1", tostring(value))) end,
})

local NetworkMgr = { wanted = 0 }
function NetworkMgr:isConnected() return host.connected() end
function NetworkMgr:isOnline() error("isOnline blocks on DNS") end
function NetworkMgr:runWhenConnected(callback)
    if host.connected() then return callback() end
    self.wanted, self.callback = self.wanted + 1, callback
end
function NetworkMgr:promptWifiOn(callback) self.prompted = callback end
provide("ui/network/manager", NetworkMgr)
ko.network = NetworkMgr
