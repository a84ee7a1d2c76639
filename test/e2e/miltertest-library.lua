-- A filter of the milter library as miltertest(8) sees it: every stage, every verdict and every edit that it can tell apart.
-- miltertest -D sock=local:/path -s miltertest-library.lua
-- Functions of mt give nil or what went wrong; of an error that nobody catches nothing is printed, so `main` runs protected.

local function ok(result, what)
  if result ~= nil then error(what .. ": " .. tostring(result)) end
end

local function expect(c, wanted, what)
  local got = string.char(math.floor(mt.getreply(c)))
  if got ~= wanted then error(what .. ": reply " .. got .. ", expected " .. wanted) end
end

local function connected(ip)
  local c = mt.connect(sock, 50, 0.05)
  if c == nil then error("can't connect to " .. sock) end
  ok(mt.negotiate(c, nil, nil, nil), "negotiate")
  ok(mt.macro(c, SMFIC_CONNECT, "j", "mx.example.org"), "macro")
  ok(mt.conninfo(c, "mail.example.net", ip), "conninfo")
  return c
end

local function message(c, from)
  ok(mt.macro(c, SMFIC_MAIL, "i", "Q1"), "macro")
  ok(mt.mailfrom(c, "<" .. from .. "@example.net>", "SIZE=100"), "mailfrom")
  expect(c, "c", "mailfrom")
  ok(mt.rcptto(c, "<b@example.org>"), "rcptto")
  expect(c, "c", "rcptto")
end

local function content(c)
  ok(mt.data(c), "data")
  expect(c, "c", "data")
  ok(mt.header(c, "Subject", "x"), "header")
  ok(mt.eoh(c), "eoh")
  expect(c, "c", "eoh")
  ok(mt.bodystring(c, "hello\r\n"), "body")
  ok(mt.eom(c), "eom")
end

local function main()
  local c = connected("203.0.113.7")
  expect(c, "c", "conninfo")
  ok(mt.helo(c, "mx.example.net"), "helo")
  expect(c, "c", "helo")

  -- each recipient its own answer
  message(c, "a")
  for to, wanted in pairs({ reject = "r", tempfail = "t", later = "y", good = "c" }) do
    ok(mt.rcptto(c, "<" .. to .. "@example.org>"), "rcptto")
    expect(c, wanted, to)
  end
  ok(mt.abort(c), "abort")

  -- edits, after an abort, in the same session
  message(c, "edits")
  content(c)
  expect(c, "c", "eom")
  local function edited(what, ...)
    if not mt.eom_check(c, what, ...) then error("not seen: " .. table.concat({ tostring(what), ... }, " ")) end
  end
  edited(MT_HDRADD, "X-Last", "one")
  edited(MT_HDRINSERT, "X-First", "two", 0)
  edited(MT_HDRCHANGE, "Subject", "new")
  edited(MT_HDRDELETE, "X-Gone")
  edited(MT_RCPTADD, "<c@example.org>")
  edited(MT_RCPTDELETE, "<b@example.org>")
  edited(MT_BODYCHANGE, "other\r\n")
  edited(MT_QUARANTINE, "odd")
  if mt.eom_check(c, MT_HDRADD, "X-Last", "three") then error("values are not compared") end

  -- the text of a reply at the end, and no edit with it
  message(c, "refused")
  content(c)
  expect(c, "y", "eom")
  if not mt.eom_check(c, MT_SMTPREPLY, "554", "5.7.1", "at the end") then error("wrong text") end
  if mt.eom_check(c, MT_HDRADD) then error("a refused message was edited") end
  mt.disconnect(c)

  -- a connection that is refused, and one that nobody asks about
  c = connected("192.0.2.1")
  expect(c, "r", "conninfo")
  mt.disconnect(c)
  c = connected("unspec")
  expect(c, "a", "conninfo")
  mt.disconnect(c, false)
end

local fine, problem = pcall(main)
if not fine then
  mt.echo("FAILED " .. tostring(problem))
  error(problem)
end
mt.echo("OK")
