//! The digits zero to four.

use std::f64::consts::TAU;

use super::{Hand, Stroke};

impl Hand<'_> {
    /// An oval from the top against the clock, which may stop short, run on or curl inwards.
    pub(super) fn zero(&mut self) -> Vec<Stroke> {
        let (width, start) = (self.pick(0.25, 0.55), self.pick(-1.0, 0.6));
        let (turn, drift) = if self.chance(0.2) {
            (self.pick(0.5, 2.2), self.pick(0.1, 0.5))
        } else {
            (self.pick(-0.8, 0.5), self.pick(-0.12, 0.2))
        };
        let turn = TAU + turn;
        let squareness = self.pick(0.85, 1.1);
        let oval = (0..=12).map(|step| {
            let part = f64::from(step) / 12.0;
            let (sin, cos) = (start + turn * part).sin_cos();
            let radius = 1.0 - drift * part * part;
            [-width * radius * sin.abs().powf(squareness).copysign(sin), 0.5 - 0.5 * radius * cos]
        });
        vec![oval.collect()]
    }

    /// A line down, sometimes with a flag at its head or a foot below.
    pub(super) fn one(&mut self) -> Vec<Stroke> {
        let bend = self.pick(-0.05, 0.05);
        let mut strokes = vec![vec![[0.0, 0.0], [bend, 0.5], [0.0, 1.0]]];
        if self.chance(0.15) {
            let (length, drop) = (self.pick(0.08, 0.35), self.pick(0.05, 0.3));
            strokes[0].splice(0..0, [[-length, drop], [-0.4 * length, 0.5 * drop], [0.0, 0.0]]);
            if self.chance(0.6) {
                let (left, right, tilt) =
                    (self.pick(0.1, 0.45), self.pick(0.1, 0.45), self.pick(-0.04, 0.04));
                strokes.push(vec![[-left, 1.0 + tilt], [right, 1.0 - tilt]]);
            }
        }
        strokes
    }

    /// A hook, then a base line that starts from a corner, a round turn or a loop.
    pub(super) fn two(&mut self) -> Vec<Stroke> {
        let (width, base) = (self.pick(0.4, 0.8), self.pick(0.84, 1.0));
        let (start, shoulder) = (self.pick(0.04, 0.38), self.pick(0.18, 0.36));
        let left = self.pick(-0.1, 0.1);
        let mut stroke = vec![
            [self.pick(-0.02, 0.16), start],
            [width * self.pick(0.4, 0.6), 0.0],
            [width * self.pick(0.88, 1.0), shoulder],
            [width * self.pick(0.55, 0.7), self.pick(0.52, 0.66)],
        ];
        let end = [width * self.pick(0.95, 1.5), base + self.pick(-0.16, 0.1)];
        match self.rng.below(10) {
            0..3 => {
                let corner = [left, base + self.pick(-0.02, 0.06)];
                stroke.extend([corner, corner]);
                stroke.push([width * 0.6, base + self.pick(-0.08, 0.05)]);
            }
            3 | 4 => stroke.extend([
                [left + 0.08, base - 0.06],
                [left + 0.12, base + 0.02],
                [width * 0.6, base + self.pick(-0.02, 0.04)],
            ]),
            _ => {
                let (size, reach) = (self.pick(0.06, 0.28), self.pick(0.16, 0.42));
                stroke.extend([
                    [left + 0.6 * reach, base - 0.01],
                    [left - 0.02, base - 0.3 * size],
                    [left + 0.3 * reach, base - 1.5 * size],
                    [left + reach, base - 0.8 * size],
                    [width * 0.7, base + self.pick(-0.06, 0.06)],
                ]);
            }
        }
        stroke.push(end);
        vec![stroke]
    }

    /// Two bowls, the upper one round or flat, meeting in a corner, a bend or a small loop.
    pub(super) fn three(&mut self) -> Vec<Stroke> {
        let (upper, lower) = (self.pick(0.35, 0.72), self.pick(0.38, 0.75));
        let waist = [self.pick(0.05, 0.3), self.pick(0.34, 0.56)];
        let mut stroke = if self.chance(0.18) {
            let corner = [upper, self.pick(0.0, 0.08)];
            vec![[0.0, self.pick(0.0, 0.12)], corner, corner, waist, waist]
        } else {
            let mut bowl = vec![
                [self.pick(-0.08, 0.1), self.pick(0.04, 0.22)],
                [upper * 0.55, 0.0],
                [upper, self.pick(0.12, 0.24)],
                [0.5 * (upper + waist[0]) + 0.06, waist[1] - 0.07],
            ];
            match self.rng.below(5) {
                0 => bowl.extend([[waist[0] - 0.05, waist[1]], [waist[0], waist[1] + 0.06]]),
                1 | 2 => bowl.push(waist),
                _ => bowl.extend([waist, waist]),
            }
            bowl
        };
        stroke.extend([
            [lower * 0.8, waist[1] + self.pick(0.02, 0.12)],
            [lower, self.pick(0.62, 0.82)],
            [lower * 0.5, 1.0],
            [self.pick(-0.2, 0.08), self.pick(0.74, 1.02)],
        ]);
        vec![stroke]
    }

    /// An angle and a line down, apart (open) or meeting at the top (closed).
    pub(super) fn four(&mut self) -> Vec<Stroke> {
        let (bar, stem) = (self.pick(0.4, 0.68), self.pick(0.35, 0.68));
        let right = stem + self.pick(0.0, 0.4);
        let foot = [stem + self.pick(-0.16, 0.06), 1.0];
        let left = self.pick(-0.05, 0.05);
        if self.chance(0.2) {
            let elbow = [left - 0.05, bar];
            let head = [stem, 0.0];
            return vec![vec![head, elbow, elbow, [right, bar]], vec![head, [stem, 0.5], foot]];
        }
        let head = [left + self.pick(-0.02, 0.15), self.pick(-0.08, 0.15)];
        let top = [stem + self.pick(-0.02, 0.1), self.pick(-0.05, 0.15)];
        let down = vec![top, [stem, 0.5], foot];
        let end = [right, bar + self.pick(-0.12, 0.05)];
        let bend = [left, bar * 0.7];
        match self.rng.below(8) {
            0..3 => {
                let elbow = [left, bar];
                vec![vec![head, [left, bar * 0.6], elbow, elbow, end], down]
            }
            3..7 => vec![vec![head, bend, [left + 0.12, bar], [stem * 0.7, bar - 0.02], end], down],
            _ => {
                let cup = [head, bend, [left + 0.14, bar], [stem * 0.8, bar * 0.95], [stem, bar * 0.8], top];
                vec![[&cup[..], &down].concat()]
            }
        }
    }
}
