//! A short digest that is the same in every release and on every machine, unlike the standard library's hasher.

/// A 64-bit FNV-1a digest of the parts, each with its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
///
/// It tells honest mistakes apart (another filter, another request); it is no defence against someone who looks for collisions.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let step = |digest: u64, byte: &u8| (digest ^ u64::from(*byte)).wrapping_mul(PRIME);
    parts.iter().fold(OFFSET, |digest, part| {
        let digest = part.len().to_le_bytes().iter().fold(digest, step);
        part.iter().fold(digest, step)
    })
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn parts_cut_elsewhere_have_another_digest() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_eq!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"ab", b"c"]));
    }

    #[test]
    fn nothing_has_the_offset_of_fnv_1a() {
        assert_eq!(fingerprint(&[]), 0xcbf2_9ce4_8422_2325);
    }
}
