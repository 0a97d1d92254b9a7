//! Telling strokes from specks.

/// Half of full ink: what a pixel in a stroke reaches somewhere, and a shadow or a stain does not.
const STRONG: u8 = 128;

/// An eighth of full ink: less is seen along a stroke's edge only, or it is the paper's grain.
const FAINT: u8 = 32;

/// The least share of the heaviest stroke's ink that another one holds; less is dust.
const LEAST_SHARE: u64 = 20;

/// Clears in `ink` (lines of `width` bytes) what is no stroke of the digit: grain, and the connected patches
/// that are faint everywhere or have less than a twentieth of the ink of the heaviest. Otherwise one grain of
/// dust would widen the box that the digit is scaled by.
pub(super) fn keep_strokes(ink: &mut [u8], width: usize) {
    clear_grain(ink, width);
    let patches = patches(ink, width);
    let mass = |patch: &[usize]| -> u64 { patch.iter().map(|&index| u64::from(ink[index])).sum() };
    let strong = |patch: &[usize]| patch.iter().any(|&index| ink[index] >= STRONG);
    let strokes = patches.iter().filter(|patch| strong(patch));
    let heaviest = strokes.map(|patch| mass(patch)).max().unwrap_or(0);
    let others = patches.iter().filter(|patch| !strong(patch) || mass(patch) * LEAST_SHARE < heaviest);
    let cleared: Vec<usize> = others.flatten().copied().collect();
    for index in cleared {
        ink[index] = 0;
    }
}

/// Clears the faint pixels beside none that is more. They would join a stroke to the grain around it.
fn clear_grain(ink: &mut [u8], width: usize) {
    let alone = |&index: &usize| around(index, width, ink.len()).all(|near| ink[near] < FAINT);
    let grain: Vec<usize> = (0..ink.len()).filter(alone).collect();
    for index in grain {
        ink[index] = 0;
    }
}

/// The pixels of each patch of ink, connected by sides or corners, as indices into `ink`.
fn patches(ink: &[u8], width: usize) -> Vec<Vec<usize>> {
    let mut seen = vec![false; ink.len()];
    let mut patches = Vec::new();
    for start in 0..ink.len() {
        if ink[start] == 0 || seen[start] {
            continue;
        }
        seen[start] = true;
        let mut patch = vec![start];
        let mut next = 0;
        while let Some(&index) = patch.get(next) {
            next += 1;
            for near in around(index, width, ink.len()) {
                if ink[near] > 0 && !seen[near] {
                    seen[near] = true;
                    patch.push(near);
                }
            }
        }
        patches.push(patch);
    }
    patches
}

/// The pixel `index` and those that touch it by a side or corner, in `pixels` of lines of `width`.
fn around(index: usize, width: usize, pixels: usize) -> impl Iterator<Item = usize> {
    let (row, column) = (index / width, index % width);
    let rows = row.saturating_sub(1)..(row + 2).min(pixels / width);
    let columns = column.saturating_sub(1)..(column + 2).min(width);
    rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dust_and_faint_patches_go_and_strokes_stay() {
        let mut ink = vec![0; 20 * 10];
        ink[20..40].fill(255);
        ink[80..87].fill(200);
        ink[67] = 90;
        ink[120..139].fill(100);
        ink[170] = 200;
        ink[199] = 30;
        keep_strokes(&mut ink, 20);
        assert_eq!(ink[20..40], [255; 20]);
        assert_eq!((&ink[80..87], ink[67]), (&[200; 7][..], 90));
        assert!(ink[100..].iter().all(|&value| value == 0));
    }

    #[test]
    fn grain_goes_and_the_edge_of_a_stroke_stays() {
        let mut ink = vec![20; 20 * 10];
        ink[80..100].fill(255);
        ink[120..140].fill(0);
        keep_strokes(&mut ink, 20);
        let lines: Vec<u8> = ink.iter().step_by(20).copied().collect();
        assert_eq!(lines, [0, 0, 0, 20, 255, 20, 0, 0, 0, 0]);
    }
}
