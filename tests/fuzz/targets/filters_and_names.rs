//! Filters of devices and resource names: refusals are bounded, what is accepted says what was asked, and a name is put together again
//! from its ids.
//!
//! Bytes: the first says what the rest is: 0 a filter's message, 1 a draw of such a message, 2 a name.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use prost::Message;
use prost_reflect::MessageDescriptor;
use tandem_contracts::convert::filter;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_fuzz::{Draw, bytes_of, descriptor};
use tandem_server::names;

/// Most values of all lists together, and a violation for each list and for the text.
const MOST_VIOLATIONS: usize = 500;

static FILTER: LazyLock<MessageDescriptor> = LazyLock::new(|| descriptor("tandem.type.v1.DeviceFilter"));

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
        0 => filter_of(rest),
        1 => {
            if let Ok(message) = Draw::new(rest).message(&FILTER) {
                filter_of(&bytes_of(&message));
            }
        }
        _ => {
            let name = String::from_utf8_lossy(rest);
            named("tenants/{t}", &name, |[t]| format!("tenants/{t}"));
            named("tenants/{t}/devices/{d}", &name, |[t, d]| format!("tenants/{t}/devices/{d}"));
            named("tenants/{t}/hierarchies/{h}/coManagementPolicy", &name, |[t, h]| {
                format!("tenants/{t}/hierarchies/{h}/coManagementPolicy")
            });
            named("tenants/{t}/hierarchies/{h}/sites/{s}", &name, |[t, h, s]| {
                format!("tenants/{t}/hierarchies/{h}/sites/{s}")
            });
        }
    }
});

fn filter_of(bytes: &[u8]) {
    let Ok(message) = DeviceFilter::decode(bytes) else { return };
    match filter::from_proto(&message) {
        Ok(filter) => {
            assert!(
                filter.sites.len() == message.sites.len() && filter.sources.len() == message.sources.len()
            );
            assert_eq!(filter.display_name_contains, message.display_name_contains);
            if let Some(search) = filter.name_search() {
                assert!(
                    search.takes(&message.display_name_contains),
                    "a name does not hold itself: {message:?}"
                );
            }
        }
        Err(violations) => assert!((1..=MOST_VIOLATIONS).contains(&violations.len()), "{violations:?}"),
    }
}

fn named<const N: usize>(pattern: &str, name: &str, whole: impl Fn([&str; N]) -> String) {
    match names::parse("name", pattern, name) {
        Ok(ids) => assert_eq!(whole(ids), name),
        Err(failure) => assert!(failure.to_string().len() < 1000, "{failure}"),
    }
}
