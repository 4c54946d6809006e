//! The scripts by which Redis judges writes: each is one atomic step, and every key that it touches is declared.
//!
//! The layout of what they read is [`super::layout`]'s; the rules on writers are [`super::lineage`]'s. `<` compares numbers of 16 digits
//! as text.

use redis::{Cmd, RedisResult, Script, ServerErrorKind, Value};

use super::link::Live;

/// How many writers an epoch remembers. Each process that follows is one; one that is forgotten, the least active, begins a new epoch.
const WRITERS: &str = "
local MOST_WRITERS = 64
local FIXED, PAIR, DIGITS = 80, 32, 16

-- Where the writer is noted.
local function place(meta, writer)
    for at = FIXED + 1, #meta, PAIR do
        if string.sub(meta, at, at + DIGITS - 1) == writer then return at end
    end
end

-- The writers with this one as the latest.
local function noted(meta, writer, number)
    local at = place(meta, writer)
    local others = string.sub(meta, FIXED + 1)
    if at then others = string.sub(meta, FIXED + 1, at - 1) .. string.sub(meta, at + PAIR) end
    local surplus = #others - PAIR * (MOST_WRITERS - 1)
    if surplus > 0 then others = string.sub(others, surplus + 1) end
    return others .. writer .. number
end

-- The same, or nil if a write is lost that this writer was told is kept.
local function resumed(meta, writer, acknowledged, number)
    local at = place(meta, writer)
    if not at then return nil end
    local known = string.sub(meta, at + DIGITS, at + PAIR - 1)
    if known < acknowledged then return nil end
    if known > number then number = known end
    return noted(meta, writer, number)
end

local meta = redis.call('GET', KEYS[1])
";

/// Keys: epoch. Arguments: number for a new epoch, incarnation, head, now, lifetime in milliseconds, writer, its last acknowledged write,
/// number of this one, the epoch in which those are, epochs that the writer has left. Answers epoch and watermark.
const OPEN: &str = "
if meta and string.sub(meta, 17, 32) == ARGV[2] then
    local epoch, writers = string.sub(meta, 1, 16), nil
    if epoch == ARGV[9] then
        writers = resumed(meta, ARGV[6], ARGV[7], ARGV[8])
    else
        local is_left = false
        for i = 10, #ARGV do is_left = is_left or ARGV[i] == epoch end
        if not is_left then writers = noted(meta, ARGV[6], ARGV[8]) end
    end
    if writers then
        redis.call('SET', KEYS[1], string.sub(meta, 1, 80) .. writers, 'KEEPTTL')
        return {epoch, string.sub(meta, 33, 48)}
    end
end
local fresh = ARGV[1] .. ARGV[2] .. ARGV[3] .. ARGV[3] .. ARGV[4] .. ARGV[6] .. ARGV[8]
redis.call('SET', KEYS[1], fresh, 'PX', ARGV[5])
return {ARGV[1], ARGV[3]}
";

/// What begins every write in an epoch. Arguments: epoch, writer, its last acknowledged write, number of this one. Answers 0 when the
/// epoch has ended.
const WRITE: &str = "
if not meta or string.sub(meta, 1, 16) ~= ARGV[1] then return 0 end
local writers = resumed(meta, ARGV[2], ARGV[3], ARGV[4])
if not writers then
    redis.call('DEL', KEYS[1])
    return 0
end
";

/// Keys: epoch, devices. Further arguments: `as_of`, a slot for each device. Entries live as long as the epoch does.
const TELL: &str = "
local newest = string.sub(meta, 49, 64)
local is_late = ARGV[5] < newest
if not is_late then newest = ARGV[5] end
local life = math.max(redis.call('PTTL', KEYS[1]), 1)
redis.call('SET', KEYS[1], string.sub(meta, 1, 48) .. newest .. string.sub(meta, 65, 80) .. writers, 'KEEPTTL')
for i = 2, #KEYS do
    local slot = ARGV[i + 4]
    local known = redis.call('GETRANGE', KEYS[i], 0, 31)
    local is_of_epoch = string.sub(known, 1, 16) == ARGV[1]
    if is_of_epoch and string.sub(known, 17, 32) >= string.sub(slot, 17, 32) then
        -- As new already.
    elseif not is_late then
        redis.call('SET', KEYS[i], slot, 'PX', life)
    elseif is_of_epoch then
        -- What replaced it meanwhile may have been evicted since, so a late write must not stay.
        redis.call('UNLINK', KEYS[i])
    end
end
return 1
";

/// Keys: epoch. Further arguments: the new watermark, now.
const ADVANCE: &str = "
local watermark, newest, confirmed = string.sub(meta, 33, 48), string.sub(meta, 49, 64), string.sub(meta, 65, 80)
if ARGV[5] >= watermark then
    watermark, confirmed = ARGV[5], ARGV[6]
    if newest < watermark then newest = watermark end
end
redis.call('SET', KEYS[1], string.sub(meta, 1, 32) .. watermark .. newest .. confirmed .. writers, 'KEEPTTL')
return 1
";

/// All scripts, each ready to be asked for.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) open: Stored,
    pub(super) tell: Stored,
    pub(super) advance: Stored,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            open: Stored::new([WRITERS, OPEN].concat()),
            tell: Stored::new([WRITERS, WRITE, TELL].concat()),
            advance: Stored::new([WRITERS, WRITE, ADVANCE].concat()),
        }
    }
}

/// A script that servers keep by its hash.
#[derive(Debug)]
pub(super) struct Stored {
    script: Script,
    body: String,
}

impl Stored {
    fn new(body: String) -> Self {
        Self { script: Script::new(&body), body }
    }

    /// Runs it where its keys are. A server that does not know it is sent the whole text: unlike loading it first, that asks nothing of
    /// the other nodes of a cluster.
    pub(super) async fn run(
        &self,
        live: &Live,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> RedisResult<Value> {
        let known = live.ask(&command("EVALSHA", self.script.get_hash(), keys, arguments)).await;
        match known {
            Err(error) if error.kind() == ServerErrorKind::NoScript.into() => {
                live.ask(&command("EVAL", &self.body, keys, arguments)).await
            }
            answer => answer,
        }
    }
}

fn command(verb: &str, script: &str, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
    let mut command = redis::cmd(verb);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}
