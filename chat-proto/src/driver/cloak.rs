//! Cloaks: a keyed hash of an address, shown in its place.

use core::fmt;
use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::origin::{Cloak, Origin};

/// The key of the hash that makes a [`Cloak`] of an address.
///
/// Give each server a random one. Anybody who knows the key can find the address behind a cloak by trying all IPv4
/// addresses.
///
/// ```
/// use chat_proto::Origin;
/// use chat_proto::driver::CloakKey;
///
/// let of = |key: &CloakKey, addr: [u8; 4]| key.cloak(Origin::from_ipv4(addr.into()));
/// let (key, other) = (CloakKey::new(1, 2), CloakKey::new(1, 3));
/// assert_eq!(of(&key, [192, 0, 2, 1]), of(&key, [192, 0, 2, 1]));
/// assert_ne!(of(&key, [192, 0, 2, 1]), of(&key, [192, 0, 2, 2]));
/// assert_ne!(of(&key, [192, 0, 2, 1]), of(&other, [192, 0, 2, 1]));
/// ```
#[derive(Clone)]
pub struct CloakKey(SipHasher13);

impl CloakKey {
    /// Makes a key of 128 bits.
    #[must_use]
    pub fn new(high: u64, low: u64) -> Self {
        Self(SipHasher13::new_with_keys(high, low))
    }

    /// Returns what others see of that origin: of an IPv4 address, or of an IPv6 /64.
    #[must_use]
    pub fn cloak(&self, origin: Origin) -> Cloak {
        let mut hasher = self.0;
        hasher.write(&origin.name());
        Cloak::new(hasher.finish())
    }
}

/// Does not write the key.
impl fmt::Debug for CloakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloakKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use core::net::IpAddr;

    use super::*;

    #[test]
    fn a_cloak_is_of_an_ipv4_address_or_an_ipv6_64() {
        let key = CloakKey::new(1, 2);
        let of = |addr: &str| key.cloak(addr.parse::<IpAddr>().expect(addr).into());
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }

    #[test]
    fn a_key_is_not_written_to_a_log() {
        assert_eq!(format!("{:?}", CloakKey::new(1, 2)), "CloakKey { .. }");
    }
}
