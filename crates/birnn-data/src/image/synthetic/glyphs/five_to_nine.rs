//! The digits five to nine.

use std::f64::consts::TAU;

use super::{Hand, Point, Stroke};

impl Hand<'_> {
    /// A neck and a bowl with a hat, in one stroke or two, or a single smooth S.
    pub(super) fn five(&mut self) -> Vec<Stroke> {
        let (left, right) = (self.pick(0.0, 0.2), self.pick(0.4, 0.75));
        let hat = [self.pick(0.4, 1.0), self.pick(-0.12, 0.1)];
        let head = [left + self.pick(0.0, 0.1), self.pick(0.0, 0.08)];
        let neck = [left + self.pick(-0.06, 0.04), self.pick(0.3, 0.54)];
        let bowl = [
            [right * 0.65, neck[1] + self.pick(-0.1, 0.05)],
            [right, self.pick(0.6, 0.8)],
            [right * self.pick(0.4, 0.6), 1.0],
            [self.pick(-0.25, 0.05), self.pick(0.78, 1.02)],
        ];
        let body = |start: &[Point], neck: &[Point]| [start, neck, &bowl].concat();
        match self.rng.below(10) {
            0..5 => vec![body(&[hat, head, head], &[neck, neck])],
            5..8 => vec![body(&[head], &[neck, neck]), vec![[head[0] + self.pick(-0.05, 0.1), head[1]], hat]],
            _ => {
                let start = [hat, [0.5 * (hat[0] + left), head[1]], [left, 0.18]];
                vec![body(&start, &[[left + 0.1, neck[1] - 0.05]])]
            }
        }
    }

    /// A stem from the upper right that curls into a loop, which stays open, closes or crosses the stem.
    pub(super) fn six(&mut self) -> Vec<Stroke> {
        let (width, top) = (self.pick(0.32, 0.75), self.pick(0.4, 0.68));
        let lean = self.pick(-0.05, 0.55);
        let curve = self.pick(0.0, 0.16);
        let mut stroke = vec![
            [lean, 0.0],
            [0.45 * lean - curve, self.pick(0.28, 0.36)],
            [-0.02 - 0.5 * curve, self.pick(0.62, 0.72)],
            [width * 0.4, 1.0],
            [width, self.pick(0.7, 0.86)],
            [width * self.pick(0.5, 0.75), top],
        ];
        match self.rng.below(8) {
            0 => {}
            1..6 => stroke.push([self.pick(0.0, 0.16), 0.5 * (top + 0.9) + self.pick(0.0, 0.1)]),
            _ => stroke.extend([
                [width * 0.25, 0.5 * (top + 0.85)],
                [self.pick(-0.12, 0.05), self.pick(0.82, 0.95)],
            ]),
        }
        vec![stroke]
    }

    /// A line or an arch across and a line down, with or without a hook before and a bar through.
    pub(super) fn seven(&mut self) -> Vec<Stroke> {
        let width = self.pick(0.4, 0.8);
        let (left, right) = ([0.0, self.pick(0.0, 0.2)], [width, self.pick(-0.04, 0.08)]);
        let foot = [width * self.pick(0.0, 0.85), 1.0];
        let bend = self.pick(-0.14, 0.08);
        let mut stroke = Vec::new();
        if self.chance(0.3) {
            stroke.extend([[self.pick(-0.06, 0.06), left[1] + self.pick(0.08, 0.22)], left, left]);
        } else {
            stroke.push(left);
        }
        stroke.push([0.5 * width, 0.5 * (left[1] + right[1]) + self.pick(-0.06, 0.06)]);
        if self.chance(0.65) {
            stroke.extend([right, right]);
        } else {
            let turn = self.pick(0.02, 0.12);
            stroke.extend([[right[0] - turn, right[1]], [right[0], right[1] + turn]]);
        }
        let middle = 0.5 * (right[0] + foot[0]) + bend;
        stroke.extend([[middle, 0.5], foot]);
        let mut strokes = vec![stroke];
        if self.chance(0.2) {
            let (left, right, tilt) = (self.pick(0.1, 0.4), self.pick(0.1, 0.4), self.pick(-0.06, 0.04));
            let height = self.pick(0.42, 0.58);
            strokes.push(vec![[middle - left, height - tilt], [middle + right, height + tilt]]);
        }
        strokes
    }

    /// Two loops in one stroke that crosses itself and may leave a gap or a tail, or two ovals.
    pub(super) fn eight(&mut self) -> Vec<Stroke> {
        let (upper, lower) = (self.pick(0.1, 0.36), self.pick(0.06, 0.36));
        let waist = self.pick(0.38, 0.62);
        let lean = self.pick(-0.05, 0.12);
        if self.chance(0.1) {
            let ring = |x: f64, top: f64, bottom: f64, width: f64| {
                let (middle, half) = (0.5 * (top + bottom), 0.5 * (bottom - top));
                let around = (0..=8).map(|step| (f64::from(step) * TAU / 8.0).sin_cos());
                around.map(|(sin, cos)| [x - width * sin, middle - half * cos]).collect()
            };
            return vec![ring(lean, 0.0, waist, upper), ring(0.0, waist, 1.0, lower)];
        }
        let mut stroke = vec![
            [lean + upper * self.pick(0.5, 1.2), self.pick(0.04, 0.24)],
            [lean, 0.0],
            [lean - upper, 0.45 * waist],
            [0.0, waist],
            [lower, 0.5 * (waist + 1.0)],
            [0.0, 1.0],
            [-lower, 0.5 * (waist + 1.0)],
            [0.0, waist + 0.02],
        ];
        if self.chance(0.3) {
            stroke.push([lean + upper * self.pick(1.1, 2.4), self.pick(-0.05, 0.15)]);
        } else {
            let gap = self.pick(-0.06, 0.12);
            stroke.extend([[lean + upper, 0.45 * waist + 0.5 * gap], [lean + upper * 0.5, gap]]);
        }
        vec![stroke]
    }

    /// A loop and a tail, straight or hooked, joined in a corner or a bend.
    pub(super) fn nine(&mut self) -> Vec<Stroke> {
        let (width, loop_end) = (self.pick(0.26, 0.68), self.pick(0.26, 0.6));
        let top = self.pick(-0.02, 0.06);
        let mut stroke = vec![
            [width * self.pick(0.75, 1.1), self.pick(0.04, 0.22)],
            [width * 0.5, 0.0],
            [0.0, loop_end * self.pick(0.45, 0.65)],
            [width * 0.4, loop_end],
            [width * 0.85, 0.6 * loop_end],
        ];
        let join = [width * self.pick(0.95, 1.08), top + self.pick(-0.06, 0.16)];
        match self.rng.below(3) {
            0 => stroke.extend([join, join]),
            1 => stroke.push(join),
            _ => stroke.extend([[width, 0.45 * loop_end], [width, 0.45 * loop_end]]),
        }
        let foot = width * self.pick(0.2, 1.1);
        stroke.push([0.5 * (width + foot) + self.pick(-0.02, 0.08), 0.6]);
        if self.chance(0.25) {
            stroke.extend([[foot - 0.02, 0.9], [foot - 0.2, 1.0], [foot - self.pick(0.3, 0.45), 0.9]]);
        } else {
            stroke.push([foot, 1.0]);
        }
        vec![stroke]
    }
}
