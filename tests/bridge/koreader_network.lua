--- HTTP, child processes and Wi-Fi.
local host, ko = ...
local provide = ko.provide

-- HTTP: LuaSocket's shape over a real request

local function http(scheme)
    return { request = function(spec)
        assert(ko.in_child, "a network call on the UI thread")
        ko.last_request = spec
        local status, text = host.request(scheme, spec.method, spec.url, spec.headers, spec.source())
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

-- Child processes: the function runs here, at once, but its answer is only read later

provide("ffi/util", {
    runInSubProcess = function(func)
        if host.fork_fails() then return false, "fork failed" end
        local id = #ko.pipes + 1
        ko.pipes[id] = { text = "" }
        ko.in_child = true
        pcall(func, id, id)
        ko.in_child = false
        return id, id
    end,
    writeToFD = function(fd, text) ko.pipes[fd].text = text end,
    isSubProcessDone = function(pid) return ko.pipes[pid].killed or not host.child_hangs() end,
    getNonBlockingReadSize = function(fd) return host.child_hangs() and 0 or #ko.pipes[fd].text end,
    readAllFromFD = function(fd)
        local pipe = ko.pipes[fd]
        assert(not pipe.closed, "read twice")
        pipe.closed = true
        return pipe.killed and "" or pipe.text
    end,
    terminateSubProcess = function(pid) ko.pipes[pid].killed = true end,
    fsyncOpenedFile = function(file)
        ko.fsyncs = ko.fsyncs + 1
        return file:flush()
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
