//! `Rooms`: how much is free in each volume, and which is the first that has enough.

/// More volumes than anybody carries.
pub(crate) const MOST_VOLUMES: u32 = 9_999;

/// What is free in each volume, as a tree over them: each knot knows the most of what is below it.
pub(super) struct Rooms {
    /// What an empty volume has, in bytes.
    room: u64,
    count: u32,
    /// The volumes stand from `LEAVES` on.
    most: Vec<u64>,
}

/// A power of two, and no fewer than there may be volumes.
const LEAVES: usize = (MOST_VOLUMES as usize).next_power_of_two();

impl Rooms {
    /// No volume yet; each has so many bytes.
    pub(super) fn new(room: u64) -> Self {
        Self { room, count: 0, most: vec![0; 2 * LEAVES] }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Takes so much of the first of these that has it, or else of the first of all, or else of a new one. `None`
    /// when there are too many.
    pub(super) fn take(&mut self, bytes: u64, near: &[u32]) -> Option<u32> {
        let near = near.iter().copied().find(|number| self.free(*number) >= bytes);
        match near.or_else(|| self.first(bytes)) {
            Some(number) => {
                self.set(number, self.free(number) - bytes);
                Some(number)
            }
            None => self.take_new(bytes),
        }
    }

    /// Takes so much of a new one.
    pub(super) fn take_new(&mut self, bytes: u64) -> Option<u32> {
        if self.count == MOST_VOLUMES {
            return None;
        }
        self.count += 1;
        self.set(self.count, self.room.saturating_sub(bytes));
        Some(self.count)
    }

    fn first(&self, bytes: u64) -> Option<u32> {
        // What is not there has no room, and nothing needs none.
        let bytes = bytes.max(1);
        if self.most[1] < bytes {
            return None;
        }
        let mut at = 1;
        while at < LEAVES {
            at = if self.most[2 * at] >= bytes { 2 * at } else { 2 * at + 1 };
        }
        u32::try_from(at - LEAVES + 1).ok()
    }

    fn free(&self, number: u32) -> u64 {
        self.most[LEAVES + number as usize - 1]
    }

    fn set(&mut self, number: u32, free: u64) {
        let mut at = LEAVES + number as usize - 1;
        self.most[at] = free;
        while at > 1 {
            at /= 2;
            self.most[at] = self.most[2 * at].max(self.most[2 * at + 1]);
        }
    }
}
