//! A curve over a whole run in bounded memory.

/// So many buckets at most: more than a screen has columns.
const MOST: usize = 1024;

/// Values in the order in which they came, thinned out to means as they grow many.
#[derive(Clone, Debug)]
pub struct Curve {
    buckets: Vec<Bucket>,
    /// Values that go into one bucket.
    per_bucket: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    count: u64,
    x: f64,
    y: f64,
}

impl Curve {
    /// No value yet.
    pub fn new() -> Curve {
        Curve { buckets: Vec::new(), per_bucket: 1 }
    }

    /// A value `y` at `x`. One that is not finite is left out.
    pub fn push(&mut self, x: f64, y: f64) {
        if !y.is_finite() {
            return;
        }
        let value = Bucket { count: 1, x, y };
        match self.buckets.last_mut() {
            Some(last) if last.count < self.per_bucket => last.add(value),
            _ => {
                if self.buckets.len() == MOST {
                    self.buckets = merged(&self.buckets, 2);
                    self.per_bucket *= 2;
                }
                self.buckets.push(value);
            }
        }
    }

    /// The curve in at most `count` points, each the mean of as many values.
    pub fn points(&self, count: usize) -> Vec<(f64, f64)> {
        let size = self.buckets.len().div_ceil(count.max(1)).max(1);
        let mean = |bucket: &Bucket| (bucket.x / bucket.count as f64, bucket.y / bucket.count as f64);
        merged(&self.buckets, size).iter().map(mean).collect()
    }
}

impl Bucket {
    fn add(&mut self, other: Bucket) {
        self.count += other.count;
        self.x += other.x;
        self.y += other.y;
    }
}

/// Each `size` buckets in one.
fn merged(buckets: &[Bucket], size: usize) -> Vec<Bucket> {
    let sum = |parts: &[Bucket]| {
        parts.iter().fold(Bucket::default(), |mut sum, &part| {
            sum.add(part);
            sum
        })
    };
    buckets.chunks(size).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_kept_as_they_are() {
        let mut curve = Curve::new();
        assert_eq!(curve.points(10), []);
        [(1.0, 5.0), (2.0, f64::NAN), (3.0, 7.0)].into_iter().for_each(|(x, y)| curve.push(x, y));
        assert_eq!(curve.points(10), [(1.0, 5.0), (3.0, 7.0)]);
        assert_eq!(curve.points(1), [(2.0, 6.0)]);
        assert_eq!(curve.points(0), [(2.0, 6.0)]);
    }

    #[test]
    fn many_values_become_means_in_bounded_memory() {
        let mut curve = Curve::new();
        for step in 0..100_000 {
            curve.push(f64::from(step), f64::from(step) * 2.0);
        }
        assert!(curve.buckets.len() <= MOST);
        let points = curve.points(100);
        assert!(points.len() <= 100 && points.len() > 40, "{}", points.len());
        assert!(points.iter().all(|(x, y)| *y == 2.0 * x) && points.is_sorted());
        assert!(points[0].0 < 2000.0 && points[points.len() - 1].0 > 98_000.0);
    }
}
