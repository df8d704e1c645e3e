//! Many row ids, in little room.

/// Which transactions were in a list: a bit for each.
#[derive(Default)]
pub(super) struct IdSet(Vec<u64>);

impl IdSet {
    pub(super) fn add(&mut self, id: i64) {
        let Ok(id) = usize::try_from(id) else { return };
        if self.0.len() <= id / 64 {
            self.0.resize(id / 64 + 1, 0);
        }
        self.0[id / 64] |= 1 << (id % 64);
    }

    pub(super) fn has(&self, id: i64) -> bool {
        let Ok(id) = usize::try_from(id) else { return false };
        self.0.get(id / 64).is_some_and(|bits| bits & (1 << (id % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_remembered_in_bits() {
        let mut seen = IdSet::default();
        for id in [1, 64, 65, 100_000] {
            assert!(!seen.has(id));
            seen.add(id);
            assert!(seen.has(id) && !seen.has(id + 1) || id == 64, "{id}");
        }
        assert!(!seen.has(-1) && seen.0.len() <= 1_563);
    }
}
