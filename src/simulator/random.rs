//! Ids, secrets and orders of chance for `send` and `demo`.

use getrandom::SysRng;
use getrandom::rand_core::TryRng;

/// The system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoChance;

/// Letters and digits, `length` of them.
pub fn letters(length: usize) -> Result<String, NoChance> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..length).map(|_| below(ALPHABET.len()).map(|place| char::from(ALPHABET[place]))).collect()
}

/// Any number.
pub fn number() -> Result<i32, NoChance> {
    SysRng.try_next_u32().map(u32::cast_signed).map_err(|_| NoChance)
}

/// A UUID of version 4.
pub fn uuid() -> Result<String, NoChance> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoChance)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// Puts the items into any order.
pub fn shuffle<T>(items: &mut [T]) -> Result<(), NoChance> {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last + 1)?);
    }
    Ok(())
}

fn below(bound: usize) -> Result<usize, NoChance> {
    let number = SysRng.try_next_u64().map_err(|_| NoChance)?;
    // The remainder is uneven by less than one in 2^40 for the bounds here.
    Ok(usize::try_from(number % u64::try_from(bound).unwrap_or(1)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_has_the_form_that_is_asked_for() {
        let id = letters(24).expect("randomness");
        assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let uuid = uuid().expect("randomness");
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut items).expect("randomness");
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
