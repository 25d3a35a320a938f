--- The way to the core: one HTTP request in a child process, which the UI only looks in on now and then.
local Json = require("booklorebridge_json")
local Memory = require("booklorebridge_memory")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local ffiUtil = require("ffi/util")
local guarded = require("booklorebridge_guard")
local _ = require("gettext")

local Core = { answered = false } -- whether the last request got an answer
local POLL, DEADLINE = 0.5, 60 -- seconds
local config, started = {}, false

--- Reads booklorebridge.json in the plugin folder; an address typed on the device comes first.
function Core.configure(folder)
    config = Json.decode(Memory.read(folder .. "/booklorebridge.json")) or {}
    local known = Memory.get()
    if config.token and config.token ~= known.adopted then
        known.token, known.url, known.adopted = config.token, nil, config.token
        Memory.save()
    end
end

function Core.url()
    return Memory.get().url or config.url
end

local function onDevice()
    local host = (Core.url() or ""):match("^https?://([^/]*)") or ""
    return (host:find("^127%.") or host:find("^localhost") or host:find("^%[::1%]")) ~= nil
end

--- Whether asking makes sense; never a DNS lookup, as that would block.
function Core.inReach()
    return Core.url() ~= nil and (onDevice() or NetworkMgr:isConnected() or false)
end

local function request(method, url, body, token)
    local ltn12, socketutil = require("ltn12"), require("socketutil")
    local http = require(url:find("^https:") and "ssl.https" or "socket.http")
    local answer, text = {}, type(body) == "function" and body() or body or ""
    socketutil:set_timeout(30, 50)
    local _ok, status = http.request{
        method = method, url = url, redirect = false, -- the token goes nowhere else
        verify = "peer", cafile = config.ca_file or "data/ca-bundle.crt",
        headers = {
            ["Content-Type"] = "application/json", ["Content-Length"] = #text,
            ["Authorization"] = token and "Bearer " .. token,
        },
        source = ltn12.source.string(text), sink = socketutil.table_sink(answer),
    }
    return tostring(status) .. "\n" .. table.concat(answer)
end

local reap
reap = guarded(function(pid)
    if not ffiUtil.isSubProcessDone(pid) then UIManager:scheduleIn(1, reap, pid) end
end)

local watch
watch = guarded(function(pid, fd, left, finish)
    if left <= 0 then ffiUtil.terminateSubProcess(pid) end
    if left > 0 and not ffiUtil.isSubProcessDone(pid) and ffiUtil.getNonBlockingReadSize(fd) == 0 then
        return UIManager:scheduleIn(POLL, watch, pid, fd, left - POLL, finish)
    end
    local ok, text = pcall(ffiUtil.readAllFromFD, fd)
    reap(pid)
    finish(ok and text or "")
end)

local function understand(text)
    local status, body = text:match("^(%d+)\n(.*)$")
    local answer = status == "200" and Json.decode(body)
    Core.answered = status ~= nil
    if answer then return answer, nil, status end
    if status == "401" then return nil, _("This device is not paired with the core."), status end
    return nil, status and _("The core answered with error ") .. status or _("The core does not answer."), status
end

local function startOnce()
    if not (config.start_command and onDevice()) or started then return end
    started = true
    os.execute("(" .. config.start_command .. ") >/dev/null 2>&1 &")
end

local function send(method, url, body, done)
    local token = Memory.get().token
    local pid, fd = ffiUtil.runInSubProcess(function(_pid, out)
        local ok, text = pcall(request, method, url, body, token)
        ffiUtil.writeToFD(out, ok and text or "failed\n", true)
    end, true)
    if not pid then return done(nil, tostring(fd)) end
    UIManager:preventStandby()
    UIManager:scheduleIn(POLL, watch, pid, fd, DEADLINE, function(text)
        UIManager:allowStandby()
        local answer, err, status = understand(text)
        if not status then startOnce() end
        done(answer, err, status)
    end)
end

--- Trades a six-digit code for this device's token; done(true) or done(nil, why).
function Core.pair(url, code, done)
    local known = Memory.get()
    local body = Json.encode{ code = code, device = Memory.device() }
    send("POST", (url or config.url):gsub("/+$", "") .. "/v1/pair", body, function(answer, err, status)
        if answer and answer.token then known.token, known.url = answer.token, url end
        if status and status:find("^[24]") and status ~= "429" then known.adopted = code end
        Memory.save()
        done(answer and answer.token and true, err)
    end)
end

--- Asks the core; done(answer) or done(nil, why). A body that is a function is made in the child.
function Core.call(method, path, body, done)
    if not Core.url() then return done(nil, _("No core is set up yet.")) end
    local function go() send(method, Core.url():gsub("/+$", "") .. path, body, done) end
    if not config.code or config.code == Memory.get().adopted then return go() end
    Core.pair(nil, config.code, function(ok, err)
        if ok or Memory.get().token then go() else done(nil, err) end
    end)
end

return Core
