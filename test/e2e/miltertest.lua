-- The greylist as miltertest(8) sees it: OpenDKIM's MTA in a box, with Sendmail's macros in Sendmail's order.
-- miltertest -D sock=local:/path -s miltertest.lua
-- Functions of mt give nil or what went wrong; of an error that nobody catches nothing is printed, so `main` runs protected.
-- The text of a reply can be seen at end of message only.

local function ok(result, what)
  if result ~= nil then error(what .. ": " .. tostring(result)) end
end

local function reply(c)
  return string.char(math.floor(mt.getreply(c)))
end

local function expect(c, wanted, what)
  if reply(c) ~= wanted then error(what .. ": reply " .. reply(c) .. ", expected " .. wanted) end
end

-- A connection that has come as far as HELO.
local function connect(ip)
  local c = mt.connect(sock, 50, 0.05)
  if c == nil then error("can't connect to " .. sock) end
  ok(mt.negotiate(c, nil, nil, nil), "negotiate")
  ok(mt.macro(c, SMFIC_CONNECT, "j", "mx.example.org", "{daemon_name}", "MTA", "v", "8.17.1.9"), "macro")
  ok(mt.conninfo(c, "mail.example.net", ip), "conninfo")
  return c
end

-- The replies to the recipients of one message, a character each.
local function recipients(c, from, list)
  ok(mt.helo(c, "mx.example.net"), "helo")
  ok(mt.macro(c, SMFIC_MAIL, "i", "QID1", "{mail_addr}", from), "macro")
  ok(mt.mailfrom(c, "<" .. from .. ">", "SIZE=100"), "mailfrom")
  local replies = ""
  for _, to in ipairs(list) do
    ok(mt.macro(c, SMFIC_RCPT, "{rcpt_mailer}", "local", "{rcpt_host}", "", "{rcpt_addr}", to), "macro")
    ok(mt.rcptto(c, "<" .. to .. ">"), "rcptto")
    replies = replies .. reply(c)
  end
  return replies
end

local function same(got, wanted, what)
  if got ~= wanted then error(what .. ": " .. got .. ", expected " .. wanted) end
  mt.echo(what .. ": " .. got)
end

local function main()
  for _, ip in ipairs { "203.0.113.7", "2001:db8::7" } do
    local to = { "b@example.org", "postmaster@example.org", "c@example.org" }
    local c = connect(ip)
    expect(c, "c", "conninfo")
    same(recipients(c, "a@example.net", to), "ycy", ip .. " first")
    ok(mt.abort(c), "abort")
    mt.disconnect(c)

    -- Nothing of the message is asked for.
    for _, step in ipairs { SMFIP_NODATA, SMFIP_NOHDRS, SMFIP_NOEOH, SMFIP_NOBODY } do
      c = connect(ip)
      if not mt.test_option(c, step) then error("a step of the message is asked for: " .. step) end
      mt.disconnect(c)
    end

    mt.sleep(1.1)
    c = connect(ip)
    same(recipients(c, "a@example.net", to), "ccc", ip .. " second")
    ok(mt.eom(c), "eom")
    expect(c, "c", "eom")
    if not mt.eom_check(c, MT_HDRINSERT, "X-Greylist") then error("no X-Greylist") end
    mt.disconnect(c)

    c = connect(ip)
    same(recipients(c, "", { "b@example.org" }), "c", ip .. " null sender")
    ok(mt.eom(c), "eom")
    expect(c, "y", "eom of null sender")
    local text = "Greylisting in action, please come back later (1 secs)"
    if not mt.eom_check(c, MT_SMTPREPLY, "451", "4.7.1", text) then error("another reply text") end
    if mt.eom_check(c, MT_SMTPREPLY, "451", "4.7.1", "another text") then error("the text is not compared") end
    mt.disconnect(c)
  end

  local c = connect("10.0.0.7")
  expect(c, "a", "private client")
  mt.disconnect(c)
end

local fine, problem = pcall(main)
if not fine then
  mt.echo("FAIL " .. tostring(problem))
  error(problem)
end
mt.echo("OK")
