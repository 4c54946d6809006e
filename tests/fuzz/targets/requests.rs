//! Any bytes, on any RPC, one after another: no answer is a defect, every refusal says its reason, and nothing panics or hangs.
//!
//! Bytes: for each call its RPC, whether its message is drawn or taken as it comes, and that message. What a call answers may be said by
//! the next ones.

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use tandem_fuzz::{Draw, Method, System, bytes_of};

/// Calls of an input: more than any state here takes to make.
const CALLS: usize = 8;

static SYSTEM: LazyLock<Mutex<System>> = LazyLock::new(|| Mutex::new(System::start()));

fuzz_target!(|data: &[u8]| {
    let mut system = SYSTEM.lock().expect("a panic ends the process");
    system.renew();
    let mut draw = Draw::new(data);
    for _ in 0..CALLS {
        if draw.is_empty() || call(&system, &mut draw).is_err() {
            break;
        }
    }
});

fn call(system: &System, draw: &mut Draw<'_>) -> arbitrary::Result<()> {
    let method = system.methods().numbered(draw.byte()?);
    let messages = match method.takes_many() {
        true => 1 + draw.byte()? % 3,
        false => 1,
    };
    let messages = (0..messages).map(|_| message(method, draw)).collect::<arbitrary::Result<_>>()?;
    let answer = system.call(method, messages);
    for message in method.checked(&answer) {
        draw.remember(&message, |text| system.aliased(text));
    }
    Ok(())
}

fn message(method: &Method, draw: &mut Draw<'_>) -> arbitrary::Result<Vec<u8>> {
    match draw.byte()? % 4 {
        0 => draw.raw(),
        _ => Ok(bytes_of(&draw.message(&method.input())?)),
    }
}
