//! What addresses of event streams are signed with.

use aws_lc_rs::rand;

/// A new one; `None` where the machine gives no random bytes.
pub fn new_secret() -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    rand::fill(&mut secret).ok()?;
    Some(secret)
}
