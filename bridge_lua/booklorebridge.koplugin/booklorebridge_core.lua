--- The way to the core: one HTTP request in a child process, which the UI only looks in on now and then.
local Memory = require("booklorebridge_memory")
local NetworkMgr = require("ui/network/manager")
local Task = require("booklorebridge_task")
local UIManager = require("ui/uimanager")
local ffiUtil = require("ffi/util")
local rapidjson = require("rapidjson")
local util = require("util")
local _ = require("gettext")

local Core = { answered = false } -- whether the last request got an answer
local POLL, DEADLINE = 0.5, 60 -- seconds
local config, started = {}, false

local function withoutNulls(value)
    for key, item in pairs(value) do
        if item == rapidjson.null then value[key] = nil elseif type(item) == "table" then withoutNulls(item) end
    end
    return value
end

--- The table that a text holds, nulls left out; nil when it is no JSON object or list.
function Core.decode(text)
    local ok, value = pcall(rapidjson.decode, text)
    return ok and type(value) == "table" and withoutNulls(value) or nil
end

--- Reads booklorebridge.json in the plugin folder; the address of a pairing by hand comes first.
function Core.configure(folder)
    config = Core.decode(util.readFromFile(folder .. "/booklorebridge.json", "rb")) or {}
    if not config.token or config.token == Memory:readSetting("adopted") then return end
    Memory:saveSetting("token", config.token):saveSetting("adopted", config.token):delSetting("url"):flush()
end

function Core.url()
    return Memory:readSetting("url") or config.url
end

local function isOnDevice()
    local host = Core.url():match("^https?://([^/]*)") or ""
    return host:find("^127%.") or host:find("^localhost") or host:find("^%[::1%]")
end

--- Whether asking makes sense; never a DNS lookup, as that would block.
function Core.isInReach()
    return Core.url() and (isOnDevice() or NetworkMgr:isConnected())
end

local function request(method, url, body)
    local ltn12, socketutil = require("ltn12"), require("socketutil")
    local http = require(url:find("^https:") and "ssl.https" or "socket.http")
    local answer, text = {}, type(body) == "function" and body() or body and rapidjson.encode(body) or ""
    local token = Memory:readSetting("token")
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

local function inChild(work)
    local pid, fd = ffiUtil.runInSubProcess(function(_pid, out)
        local ok, text = pcall(work)
        ffiUtil.writeToFD(out, ok and text or "failed\n", true)
    end, true)
    if not pid then return fd end
    local left = DEADLINE
    UIManager:preventStandby()
    repeat
        Task.sleep(POLL)
        left = left - POLL
    until left <= 0 or ffiUtil.isSubProcessDone(pid) or ffiUtil.getNonBlockingReadSize(fd) > 0
    if left <= 0 then ffiUtil.terminateSubProcess(pid) end
    local ok, text = pcall(ffiUtil.readAllFromFD, fd)
    ffiUtil.isSubProcessDone(pid, true) -- it has closed the pipe or was killed, so this does not wait
    UIManager:allowStandby()
    return ok and text or ""
end

local function startOnce()
    if started or not config.start_command or not isOnDevice() then return end
    started = true
    os.execute("(" .. config.start_command .. ") >/dev/null 2>&1 &")
end

-- The answer; or nil, why and the status. The reason of a refusal is the core's own text.
local function send(method, url, body)
    local status, text = inChild(function() return request(method, url, body) end):match("^(%d+)\n(.*)$")
    local answer = text and Core.decode(text)
    Core.answered = status ~= nil
    if not status then startOnce() end
    if status == "200" and answer then return answer end
    return nil, answer and answer.detail or _("The core does not answer."), status
end

--- In a task: trades a six-digit code for this device's token; true, or false and why.
function Core.pair(url, code)
    local body = { code = code, device = Memory:readSetting("device") }
    local answer, err, status = send("POST", url:gsub("/+$", "") .. "/v1/pair", body)
    local token = answer and answer.token
    if token then Memory:saveSetting("token", token):saveSetting("url", url) end
    if token or (status or ""):find("^4") and status ~= "429" then Memory:saveSetting("adopted", code) end
    Memory:flush()
    return token ~= nil, err
end

--- In a task: asks the core; its answer, or nil and why. A body that is a function is made in the child.
function Core.call(method, path, body)
    if not Core.url() then return nil, _("No core is set up yet.") end
    if config.code and config.code ~= Memory:readSetting("adopted") then
        local ok, err = Core.pair(config.url, config.code)
        if not ok and Memory:hasNot("token") then return nil, err end
    end
    return send(method, Core.url():gsub("/+$", "") .. path, body)
end

return Core
