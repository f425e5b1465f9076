-- Wireshark dissector for C2W/22 ("Chat While Watching"), for Wireshark 3.6 and later.
-- Copy it where Wireshark looks for plugins (Help, About, Folders, Personal Lua Plugins), or say -X lua_script:c2w.lua. It takes port 1950,
-- recognises the protocol on others, and is offered in Decode As. Rules (FMT-05, REL-01 …) are those of PROTOCOL.md.

-- Installed and named on the command line: the first one stays.
if pcall(Dissector.get, "c2w") and Dissector.get("c2w") then return end

local c2w = Proto("c2w", "Chat While Watching")

-- One line a command: name, who sends it, family, beat, digits of its code, carries data. From protocol/commands.def: a test compares.
local COMMANDS = {}
local function command(name, sender, family, beat, digits, data)
	COMMANDS[name] = { name = name, sender = sender, family = family, beat = beat, digits = digits, data = data == 1 }
end
command("CONNECTION_REQUEST", "CLIENT", "CONNECTION", "REQUEST", 0, 0)
command("CONNECTION_GRANTED", "SERVER", "CONNECTION", "RESPONSE", 0, 0)
command("CONNECTION_ERROR", "SERVER", "CONNECTION", "ERROR_RESPONSE", 4, 1)
command("CONNECTION_RESPONSE_ACK", "CLIENT", "CONNECTION", "ACK", 0, 0)
command("USER_LIST_REQUEST", "CLIENT", "USER_LIST", "REQUEST", 0, 0)
command("USER_LIST_RESPONSE", "SERVER", "USER_LIST", "RESPONSE", 0, 1)
command("USER_LIST_RESPONSE_ACK", "CLIENT", "USER_LIST", "ACK", 0, 0)
command("MOVIE_LIST_REQUEST", "CLIENT", "MOVIE_LIST", "REQUEST", 0, 0)
command("MOVIE_LIST_RESPONSE", "SERVER", "MOVIE_LIST", "RESPONSE", 0, 1)
command("MOVIE_LIST_RESPONSE_ACK", "CLIENT", "MOVIE_LIST", "ACK", 0, 0)
command("ENTER_MOVIE_REQUEST", "CLIENT", "ENTER_MOVIE", "REQUEST", 0, 1)
command("ENTER_MOVIE_GRANTED", "SERVER", "ENTER_MOVIE", "RESPONSE", 0, 1)
command("ENTER_MOVIE_ERROR", "SERVER", "ENTER_MOVIE", "ERROR_RESPONSE", 4, 1)
command("ENTER_MOVIE_RESPONSE_ACK", "CLIENT", "ENTER_MOVIE", "ACK", 0, 0)
command("LEAVE_SESSION_REQUEST", "CLIENT", "LEAVE_SESSION", "REQUEST", 0, 0)
command("LEAVE_SESSION_GRANTED", "SERVER", "LEAVE_SESSION", "RESPONSE", 0, 0)
command("LEAVE_SESSION_ERROR", "SERVER", "LEAVE_SESSION", "ERROR_RESPONSE", 1, 1)
command("LEAVE_SESSION_RESPONSE_ACK", "CLIENT", "LEAVE_SESSION", "ACK", 0, 0)
command("SEND_MESSAGE_REQUEST", "CLIENT", "CHAT", "REQUEST", 0, 1)
command("NEW_MESSAGE", "SERVER", "CHAT", "RESPONSE", 0, 1)
command("NEW_MESSAGE_RESPONSE_ACK", "CLIENT", "CHAT", "ACK", 0, 1)

local MAX_USER, MAX_TO_CLIENT = 255, 65507

-- ---- fields -------------------------------------------------------------------------------------------------------

local f = {
	message = ProtoField.none("c2w.message", "Message"),
	time = ProtoField.string("c2w.time", "TIME"),
	time_value = ProtoField.absolute_time("c2w.time.value", "TIME as a date", base.UTC),
	command = ProtoField.string("c2w.command", "Command"),
	name = ProtoField.string("c2w.command.name", "Command without its code"),
	code = ProtoField.uint16("c2w.code", "Code"),
	family = ProtoField.string("c2w.family", "Exchange"),
	beat = ProtoField.string("c2w.beat", "Beat"),
	user = ProtoField.string("c2w.user", "USER_NAME"),
	data = ProtoField.string("c2w.data", "Data"),
	listed_user = ProtoField.string("c2w.list.user", "User"),
	listed_room = ProtoField.string("c2w.list.room", "Room"),
	listed_title = ProtoField.string("c2w.list.title", "Movie"),
	count = ProtoField.uint32("c2w.list.count", "Entries"),
	stream = ProtoField.string("c2w.stream", "Stream"),
	stream_address = ProtoField.string("c2w.stream.address", "Stream address"),
	stream_port = ProtoField.uint16("c2w.stream.port", "Stream port"),
	request_in = ProtoField.framenum("c2w.request_in", "Request in", base.NONE, frametype.REQUEST),
	response_in = ProtoField.framenum("c2w.response_in", "Response in", base.NONE, frametype.RESPONSE),
	ack_in = ProtoField.framenum("c2w.ack_in", "Ack in", base.NONE, frametype.ACK),
	response_time = ProtoField.relative_time("c2w.response_time", "Response time"),
	retransmission = ProtoField.bool("c2w.retransmission", "Retransmission"),
	retransmission_of = ProtoField.framenum("c2w.retransmission_of", "Retransmission of"),
	rule = ProtoField.string("c2w.rule", "Rule"),
}
c2w.fields = f

local e = {
	malformed = ProtoExpert.new("c2w.malformed", "Malformed message", expert.group.MALFORMED, expert.severity.ERROR),
	unknown = ProtoExpert.new("c2w.unknown", "Unknown or misdirected command", expert.group.PROTOCOL, expert.severity.WARN),
	form = ProtoExpert.new("c2w.form", "Data or name not as its rule says", expert.group.PROTOCOL, expert.severity.WARN),
	sequence = ProtoExpert.new("c2w.sequence", "Out of order", expert.group.SEQUENCE, expert.severity.WARN),
	echo = ProtoExpert.new("c2w.echo", "Not an echo of the request", expert.group.PROTOCOL, expert.severity.WARN),
	repeated = ProtoExpert.new("c2w.repeated", "Retransmission", expert.group.SEQUENCE, expert.severity.NOTE),
}
c2w.experts = { e.malformed, e.unknown, e.form, e.sequence, e.echo, e.repeated }

c2w.prefs.port = Pref.uint("Port", 1950, "UDP and TCP port of the server")
c2w.prefs.max_request = Pref.uint("max-request", 4096, "The longest message to a server, CRLF included")
c2w.prefs.max_text = Pref.uint("max-text", 1024, "The longest text")

-- ---- the grammar ----------------------------------------------------------------------------------------------------

-- RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
local function utf8_valid(s)
	if not s:find("[\128-\255]") then return true end
	local at, length = 1, #s
	while at <= length do
		local a, b, c, d = s:byte(at, at + 3)
		local function tail(x) return x ~= nil and x >= 0x80 and x <= 0xbf end
		if a < 0x80 then
			at = at + 1
		elseif a >= 0xc2 and a <= 0xdf and tail(b) then
			at = at + 2
		elseif a >= 0xe0 and a <= 0xef and tail(b) and tail(c) and not (a == 0xe0 and b < 0xa0) and not (a == 0xed and b > 0x9f) then
			at = at + 3
		elseif a >= 0xf0 and a <= 0xf4 and tail(b) and tail(c) and tail(d) and not (a == 0xf0 and b < 0x90) and not (a == 0xf4 and b > 0x8f) then
			at = at + 4
		else
			return false
		end
	end
	return true
end

local function time_valid(text)
	local whole, fraction = text:match("^(%d+)(.*)$")
	if whole == nil or #whole > 10 then return false end
	return fraction == "" or (fraction:match("^%.%d+$") ~= nil and #fraction <= 7)
end

-- The same number, the same key: 7.50 and 07.5.
local function time_key(text)
	local whole, fraction = text:match("^0*(%d-)%.?(%d*)$")
	if text:find("%.") == nil then whole, fraction = text:match("^0*(%d*)$"), "" end
	return (whole or "") .. "." .. (fraction or ""):gsub("0+$", "")
end

local function greater(a, b)
	local aw, af = a:match("^(%d*)%.(%d*)$")
	local bw, bf = b:match("^(%d*)%.(%d*)$")
	if #aw ~= #bw then return #aw > #bw end
	if aw ~= bw then return aw > bw end
	return af .. ("0"):rep(6 - #af) > bf .. ("0"):rep(6 - #bf)
end

local function command_find(text)
	local known = COMMANDS[text]
	if known ~= nil and known.digits == 0 then return known, 0 end
	local name, digits = text:match("^(.-)_(%d+)$")
	known = name and COMMANDS[name]
	if known and known.digits == #digits then return known, tonumber(digits) end
	return nil, 0
end

-- Cuts a message into fields; each is { from, length } in octets from 0. The first thing wrong goes to `wrong`, in the order of
-- PROTOCOL.md: its length, its end, its octets, its fields from left to right.
local function parse(octets, max)
	local m = { octets = octets }
	local body = octets
	local crlf = octets:find("\r\n", 1, true)
	if #octets > max then m.wrong = "it is longer than allowed" m.rule = "FMT-07" end
	if crlf == nil then
		m.wrong = m.wrong or "it does not end with CR LF"
	elseif crlf + 1 < #octets then
		m.wrong = m.wrong or "octets follow its CR LF"
	end
	if crlf ~= nil then body = octets:sub(1, crlf - 1)
	elseif octets:find("[\r\n]$") then body = octets:sub(1, -2) end
	if not m.wrong then
		if body:find("\0", 1, true) then m.wrong = "it contains a NUL"
		elseif body:find("[\r\n]") then m.wrong = "it contains a CR or LF before its end"
		elseif not utf8_valid(body) then m.wrong = "it is not valid UTF-8" end
	end
	local function fail(text) m.wrong = m.wrong or text end
	local header = body:match("^[^|]*")
	local colon = header:find(":", 1, true)
	m.time = header:sub(1, (colon or header:find(" ", 1, true) or #header + 1) - 1)
	m.time_valid = time_valid(m.time)
	if not m.time_valid then fail("TIME is not 1 to 10 digits with an optional fraction of 1 to 6 digits") end
	if colon == nil then fail("there is no colon behind TIME") end
	local at = #m.time + (colon and 2 or 1)
	local blanks = #body:match("^ *", at)
	if blanks ~= 1 then fail("there is not exactly one blank between the colon and the command") end
	local function field(from)
		local pipe = body:find("|", from, true)
		if pipe == nil then fail("a pipe is missing: three fields need two") end
		return body:sub(from, (pipe or #body + 1) - 1), pipe and pipe + 1 or #body + 1
	end
	m.command_at = at + blanks - 1
	m.command, at = field(at + blanks)
	m.info, m.code = command_find(m.command)
	if m.info == nil and (not m.command:find("^[A-Z0-9_]+$") or #m.command > 64) then
		fail("the command is not 1 to 64 of A-Z, 0-9 and _")
	end
	m.user_at = at - 1
	m.user, at = field(at)
	if #m.user > MAX_USER then fail("the user is longer than 255 octets") end
	m.data_at = at - 1
	m.data = body:sub(at)
	return m
end

-- ---- what belongs together ---------------------------------------------------------------------------------------------

-- Filled in the first pass, read in every later one. seen[frame:index] is what is known of one message.
local seen, exchanges, texts, latest, servers

function c2w.init()
	seen, exchanges, texts, latest, servers = {}, {}, {}, {}, {}
end

local function addresses(pinfo, tcp)
	local from = tostring(pinfo.src) .. "|" .. pinfo.src_port
	local to = tostring(pinfo.dst) .. "|" .. pinfo.dst_port
	return from, to, tcp and "tcp" or "udp"
end

-- Who is the server here? Who was first spoken to as one, or answered as one.
local function from_server(m, pinfo, tcp)
	local from, to, kind = addresses(pinfo, tcp)
	if servers[kind .. to .. from] then return false end
	if servers[kind .. from .. to] then return true end
	local server
	if pinfo.src_port == c2w.prefs.port and pinfo.dst_port ~= c2w.prefs.port then server = true
	elseif pinfo.dst_port == c2w.prefs.port then server = false
	else server = m.info ~= nil and m.info.sender == "SERVER" end
	servers[kind .. (server and from .. to or to .. from)] = true
	return server
end

local function note_first(entry, what, frame)
	if entry[what] == nil then entry[what] = frame end
end

local function exchange_of(client, server, kind, m, user)
	local key = table.concat({ kind, client, server, m.info.family, time_key(m.time), user }, "\n")
	local exchange = exchanges[key]
	if exchange == nil then
		exchange = {}
		exchanges[key] = exchange
	end
	return exchange
end

local function remember_request(s, m, exchange, client, server, kind, pinfo)
	local key = kind .. client .. server
	if exchange.request ~= nil then
		s.retransmission_of = exchange.request
		if exchange.request_octets ~= m.octets then s.problem = { e.sequence, "REL-01", "a request is repeated, but not octet for octet" } end
	else
		if latest[key] ~= nil and not greater(time_key(m.time), latest[key]) then
			s.problem = { e.sequence, "REL-03", "TIME is not greater than that of an earlier request" }
		end
		exchange.request, exchange.request_octets, exchange.request_at = pinfo.number, m.octets, pinfo.abs_ts
	end
	if latest[key] == nil or greater(time_key(m.time), latest[key]) then latest[key] = time_key(m.time) end
	if m.info.family == "CHAT" then texts[table.concat({ server, time_key(m.time), m.user }, "\n")] = exchange end
	s.exchange = exchange
end

local function remember_response(s, m, exchange, server, pinfo)
	local asked = exchange
	if m.info.family == "CHAT" then asked = texts[table.concat({ server, time_key(m.time), m.user }, "\n")] or exchange end
	if exchange.response ~= nil then
		s.retransmission_of = exchange.response
		if exchange.response_octets ~= m.octets then s.problem = { e.sequence, "REL-04", "it is sent again, but not octet for octet" } end
	else
		exchange.response, exchange.response_octets = pinfo.number, m.octets
	end
	if asked.request == nil then
		if m.info.family ~= "CHAT" then s.problem = { e.echo, "FMT-02", "no request with this TIME and USER_NAME was seen" } end
	else
		local time = asked.request_octets:match("^([^:]*):")
		if time ~= m.time then s.problem = { e.echo, "FMT-02", "TIME is not that of the request, octet for octet" } end
		s.asked, s.response_time = asked, not s.retransmission_of and pinfo.abs_ts - asked.request_at or nil
		note_first(asked, "response", pinfo.number)
	end
	s.exchange = exchange
end

local function remember_ack(s, exchange, pinfo)
	s.acks = exchange
	if exchange.response == nil then
		s.problem = { e.sequence, "REL-09", "it acknowledges what was not seen" }
	end
	note_first(exchange, "ack", pinfo.number)
end

local function remember(s, m, pinfo, tcp)
	local from, to, kind = addresses(pinfo, tcp)
	s.server = from_server(m, pinfo, tcp)
	if m.wrong or m.info == nil or (m.info.sender == "SERVER") ~= s.server then return end
	local client, server = s.server and to or from, s.server and from or to
	local chat_ack = m.info.family == "CHAT" and m.info.beat == "ACK"
	local exchange = exchange_of(client, server, kind, m, chat_ack and m.data or m.user)
	if m.info.beat == "REQUEST" then remember_request(s, m, exchange, client, server, kind, pinfo)
	elseif m.info.beat == "ACK" then remember_ack(s, exchange, pinfo)
	else remember_response(s, m, exchange, server, pinfo) end
end

-- ---- the tree ------------------------------------------------------------------------------------------------------------

local function blame(item, kind, rule, text)
	item:add(f.rule, rule):set_generated()
	item:add_proto_expert_info(kind, rule .. ": " .. text)
end

local function text_of(tree, field, tvb, from, length)
	return tree:add_packet_field(field, tvb:range(from, length), ENC_UTF_8 + ENC_STRING)
end

local function add_users(tree, tvb, m, base_at)
	local at, count, listed, asker = m.data_at, 0, {}, false
	for entry in (m.data .. "|"):gmatch("([^|]*)|") do
		local comma = entry:find(",", 1, true)
		local name = entry:sub(1, (comma or #entry + 1) - 1)
		if #entry > 0 then
			text_of(tree, f.listed_user, tvb, base_at + at, #name)
			if comma then text_of(tree, f.listed_room, tvb, base_at + at + comma, #entry - comma) end
		end
		if listed[name] then blame(tree, e.form, "LST-01", "a user is listed twice") end
		listed[name], asker, count = true, asker or name == m.user, count + 1
		at = at + #entry + 1
	end
	if not asker then blame(tree, e.form, "LST-01", "the asker is not among the users") end
	tree:add(f.count, count):set_generated()
end

local function add_movies(tree, tvb, m, base_at)
	local at, count, listed = m.data_at, 0, {}
	if m.data ~= "" then
		for title in (m.data .. "|"):gmatch("([^|]*)|") do
			text_of(tree, f.listed_title, tvb, base_at + at, #title)
			if listed[title] then blame(tree, e.form, "LST-02", "a movie is listed twice") end
			listed[title], count = true, count + 1
			at = at + #title + 1
		end
	end
	tree:add(f.count, count):set_generated()
end

local function add_stream(tree, tvb, m, base_at)
	local address, port = m.data:match("^%[([%x:.]+)%]:(%d+)$")
	if address == nil then address, port = m.data:match("^(%d+%.%d+%.%d+%.%d+):(%d+)$") end
	text_of(tree, f.stream, tvb, base_at + m.data_at, #m.data)
	if address == nil or tonumber(port) < 1 or tonumber(port) > 65535 then
		blame(tree, e.form, "ENT-06", "the data is no literal IP address, colon and port from 1 to 65535")
		return
	end
	tree:add(f.stream_address, address):set_generated()
	tree:add(f.stream_port, tonumber(port)):set_generated()
end

local function check_form(tree, m, server)
	if not m.info.data and m.data ~= "" then blame(tree, e.form, "FMT-09", "this command carries no data") end
	if m.info.name == "CONNECTION_REQUEST" and not (#m.user <= 32 and m.user:find("^[%w._-]+$")) then
		blame(tree, e.form, "CON-03", "this can be no user's name")
	end
	if m.info.family == "CHAT" and m.info.beat ~= "ACK" and (m.data == "" or #m.data > c2w.prefs.max_text) then
		blame(tree, e.form, "MSG-06", m.data == "" and "the text is empty" or "the text is longer than max-text")
	end
end

local function add_links(tree, s)
	local exchange = s.exchange or s.acks
	if s.retransmission_of then
		tree:add(f.retransmission, true):set_generated()
		tree:add(f.retransmission_of, s.retransmission_of):set_generated()
		tree:add_proto_expert_info(e.repeated, "It was sent before")
	end
	if s.asked and s.asked.request then tree:add(f.request_in, s.asked.request):set_generated() end
	if s.response_time then tree:add(f.response_time, NSTime.new(math.floor(s.response_time), math.floor((s.response_time % 1) * 1e9 + 0.5))):set_generated() end
	if s.exchange and not s.server and exchange.response then tree:add(f.response_in, exchange.response):set_generated() end
	if s.acks and exchange.response then tree:add(f.response_in, exchange.response):set_generated() end
	if s.exchange and s.server and exchange.ack then tree:add(f.ack_in, exchange.ack):set_generated() end
end

local function add_fields(tree, tvb, m, s, at)
	text_of(tree, f.time, tvb, at, #m.time)
	if m.time_valid then
		local whole, fraction = m.time:match("^(%d+)%.?(%d*)$")
		tree:add(f.time_value, tvb:range(at, #m.time), NSTime.new(tonumber(whole), tonumber(fraction .. ("0"):rep(9 - #fraction))))
	end
	text_of(tree, f.command, tvb, at + m.command_at, #m.command)
	if m.info then
		tree:add(f.name, m.info.name):set_generated()
		tree:add(f.family, m.info.family):set_generated()
		tree:add(f.beat, m.info.beat):set_generated()
		if m.info.digits > 0 then tree:add(f.code, tvb:range(at + m.command_at + #m.command - m.info.digits, m.info.digits), m.code) end
	end
	text_of(tree, f.user, tvb, at + m.user_at, #m.user)
	text_of(tree, f.data, tvb, at + m.data_at, #m.data)
end

local function add_message(tvb, pinfo, root, at, length, index, tcp)
	local id = pinfo.number .. ":" .. index
	local s = seen[id]
	local octets = tvb:raw(at, length)
	if s == nil then s = { server = from_server({ info = nil }, pinfo, tcp) } end
	local m = parse(octets, MAX_TO_CLIENT)
	if not seen[id] then
		s = {}
		remember(s, m, pinfo, tcp)
		seen[id] = s
	end
	if not s.server and #octets > c2w.prefs.max_request then m.wrong, m.rule = "it is longer than allowed", "FMT-07" end
	local tree = root:add(c2w, tvb:range(at, length))
	add_fields(tree, tvb, m, s, at)
	if m.wrong then
		blame(tree, e.malformed, m.rule or (s.server and "FMT-01" or "FMT-05"), m.wrong)
		return "malformed: " .. m.wrong
	end
	tree:append_text(": " .. m.command .. (m.user ~= "" and ", " .. m.user or ""))
	if m.info == nil then
		blame(tree, e.unknown, s.server and "FMT-01" or "FMT-06", "the command is unknown")
	elseif (m.info.sender == "SERVER") ~= s.server then
		blame(tree, e.unknown, s.server and "FMT-01" or "FMT-06", "only the other side sends this command")
	else
		check_form(tree, m, s.server)
		if m.info.name == "USER_LIST_RESPONSE" then add_users(tree, tvb, m, at) end
		if m.info.name == "MOVIE_LIST_RESPONSE" then add_movies(tree, tvb, m, at) end
		if m.info.name == "ENTER_MOVIE_GRANTED" then add_stream(tree, tvb, m, at) end
		if s.problem then blame(tree, s.problem[1], s.problem[2], s.problem[3]) end
		add_links(tree, s)
	end
	return (s.retransmission_of and "[Retransmission] " or "") .. m.time .. ": " .. m.command .. "|" .. m.user .. "|" .. m.data
end

-- ---- datagrams and streams --------------------------------------------------------------------------------------------------

local function shown(text)
	return (#text > 120 and text:sub(1, 120) .. "..." or text):gsub("[%c\127-\159]", "?")
end

local function dissect_udp(tvb, pinfo, root)
	pinfo.cols.protocol = "C2W"
	if tvb:len() == 0 then return 0 end
	pinfo.cols.info = shown(add_message(tvb, pinfo, root, 0, tvb:len(), 0, false))
	return tvb:len()
end

-- What has no CRLF yet is waited for, up to what a message may have.
local function dissect_tcp(tvb, pinfo, root)
	local octets, at, index, line = tvb:raw(), 1, 0, nil
	pinfo.cols.protocol = "C2W"
	while at <= #octets do
		local crlf = octets:find("\r\n", at, true)
		if crlf == nil and #octets - at + 1 < MAX_TO_CLIENT then
			pinfo.desegment_offset = at - 1
			pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
			break
		end
		local length = crlf and crlf + 2 - at or #octets - at + 1
		local text = add_message(tvb, pinfo, root, at - 1, length, tvb:offset() + at, true)
		line = line and line .. "  " .. text or text
		at, index = at + length, index + 1
	end
	if line then pinfo.cols.info = shown(line) end
	return tvb:len()
end

function c2w.dissector(tvb, pinfo, root)
	if pinfo.port_type == 2 then return dissect_tcp(tvb, pinfo, root) end
	return dissect_udp(tvb, pinfo, root)
end

local function recognised(tvb)
	if tvb:len() < 8 then return false end
	local text = tvb:raw(0, math.min(tvb:len(), 96)):match("^%d+%.?%d*: ([A-Z0-9_]+)|")
	return text ~= nil and command_find(text) ~= nil
end

local function heuristic(tvb, pinfo, root)
	if not recognised(tvb) then return false end
	pinfo.conversation = c2w
	c2w.dissector(tvb, pinfo, root)
	return true
end

c2w:register_heuristic("udp", heuristic)
c2w:register_heuristic("tcp", heuristic)

local at_port
local function take_port()
	for _, name in ipairs({ "udp.port", "tcp.port" }) do
		local ports = DissectorTable.get(name)
		if at_port then ports:remove(at_port, c2w) end
		ports:add(c2w.prefs.port, c2w)
		ports:add_for_decode_as(c2w)
	end
	at_port = c2w.prefs.port
end

function c2w.prefs_changed()
	if at_port ~= c2w.prefs.port then take_port() end
end
take_port()
