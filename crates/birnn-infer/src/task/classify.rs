//! Classification: one class for each sequence or each step, cross-entropy, judged by the class of the
//! largest logit.

use birnn_data::{NO_CLASS, Per, Scheme, SelfTargets, TagProblem, TagSet, Targets};
use birnn_kernels::LegalTags;
use serde::{Deserialize, Serialize};

use crate::answers::Answers;
use crate::metrics::{
    ClassCounts, ClassScore, Confusion, CrossEntropy, SpanCounts, SpanScores, exponentials,
};

/// One of some classes for each sequence, or for each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Classify {
    /// The names of the classes; the head has one output for each.
    pub classes: Vec<String>,
    /// What there is a class for.
    pub per: Per,
    /// Of tags that mark spans: how.
    pub scheme: Option<Scheme>,
    /// Of these: whether a conditional random field gives only what the scheme allows.
    pub constrain: bool,
    /// Of tokens of the sequence itself: which.
    pub self_targets: Option<SelfTargets>,
}

/// An answer: a class, and how probable the net finds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// Its index among the classes.
    pub class: usize,
    /// From 0 to 1.
    pub probability: f64,
}

/// How a net did on a set of sequences, beside the loss. Runs keep it for good: what is added needs a
/// default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// How many of them were correct.
    pub correct: u64,
    /// Share of correct answers, from 0 to 1.
    pub accuracy: f64,
    /// The mean of the classes' F1, each class counting the same, from 0 to 1.
    #[serde(default)]
    pub macro_f1: f64,
    /// Per class, in the order of the classes.
    #[serde(default)]
    pub classes: Vec<ClassScore>,
    /// `confusion[label][prediction]`: how many; empty of more classes than
    /// [`MOST_CONFUSED`](crate::MOST_CONFUSED).
    #[serde(default)]
    pub confusion: Confusion,
    /// Of tags that mark spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spans: Option<Box<SpanScores>>,
    /// Of tokens of the sequence itself, of which the scores by class are not kept: e to the power of the
    /// mean loss in nats, as many tokens as the net would have to guess among if all were as probable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
    /// The answers that are not correct, the surest first. Left out of the metrics, where they would be most
    /// of the file.
    #[serde(skip)]
    pub mistakes: Vec<Mistake>,
}

/// An answer that is not correct.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// The index of what was answered among those evaluated: the sample, or of steps the step among those of
    /// all.
    pub sample: usize,
    /// The class that it is of, by its index among the classes.
    pub label: usize,
    /// The class that the net calls it.
    pub class: usize,
    /// The probability that the net gives to that class.
    pub probability: f32,
}

impl Classified {
    /// The F1 of spans, of all types together, read strictly; of tags that mark such.
    pub fn f1(&self) -> Option<f64> {
        self.spans.as_ref().map(|spans| spans.strict.all.f1)
    }
}

impl Classify {
    /// One of these classes for each sequence, or for each step, each by itself.
    pub fn new(classes: Vec<String>, per: Per) -> Classify {
        Classify { classes, per, scheme: None, constrain: true, self_targets: None }
    }

    /// Its classes as tags of spans, where they are such.
    ///
    /// # Errors
    ///
    /// Where a class is no tag of the scheme.
    pub fn tag_set(&self) -> Result<Option<TagSet>, TagProblem> {
        self.scheme.map(|scheme| TagSet::new(scheme, &self.classes)).transpose()
    }

    /// Which tags a conditional random field may give one after the other, where they are not all.
    pub(super) fn legal_tags(&self) -> Option<LegalTags> {
        let legal = self.tag_set().ok().flatten()?.legal();
        // Where classes are no whole set of tags, nothing might be left to answer.
        Some(legal).filter(|legal| self.constrain && legal.always())
    }

    /// The answer at a position: of a conditional random field the tag of those that are the most probable
    /// together, with its own probability.
    pub fn answer_at(&self, answers: &Answers, position: usize) -> Class {
        let outputs = self.classes.len();
        let logits = &answers.logits[position * outputs..][..outputs];
        match answers.tag(position) {
            None => self.answer(logits),
            Some(class) => Class { class, probability: f64::from(logits[class]).exp() },
        }
    }

    /// The probability of each class, from its logits `[classes]`: the softmax.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f64> {
        let (exponentials, sum) = exponentials(logits);
        exponentials.map(|exponential| exponential / sum).collect()
    }

    /// The answer, from the logits `[classes]`: the class of the largest, the first of them where several
    /// are.
    pub fn answer(&self, logits: &[f32]) -> Class {
        let class = largest(logits);
        let (exponentials, sum) = exponentials(logits);
        let probability = exponentials.skip(class).map(|e| e / sum).next().unwrap_or_default();
        Class { class, probability }
    }

    /// The classes, the most probable first.
    pub fn ranked(&self, probabilities: &[f64]) -> Vec<Class> {
        let classes = probabilities.iter().enumerate();
        let mut ranked: Vec<Class> =
            classes.map(|(class, &probability)| Class { class, probability }).collect();
        ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        ranked
    }

    /// Each answer's logits with its label; of tokens of the sequence itself where one is asked for.
    fn answers<'a>(
        &self,
        logits: &'a [f32],
        targets: &'a Targets,
    ) -> impl Iterator<Item = (&'a [f32], Option<usize>)> {
        let outputs = self.classes.len();
        assert_eq!(logits.len(), targets.len() * outputs, "the logits of as many answers");
        let label = move |position: usize| match (targets.classes(), targets.own_tokens()) {
            (Some(labels), _) => Some(usize::from(labels[position])),
            (None, Some(tokens)) => {
                Some(tokens[position]).filter(|&token| token != NO_CLASS).map(|token| token as usize)
            }
            (None, None) => None,
        };
        logits.chunks_exact(outputs).zip((0..targets.len()).map(label))
    }

    /// Of cross-entropy: the probabilities, less 1 at the label.
    pub(super) fn loss_gradient(&self, answers: &Answers, targets: &Targets) -> Vec<f32> {
        if let Some(gradient) = answers.joint_loss_gradient(targets.classes().unwrap_or_default()) {
            return gradient;
        }
        let mut gradient = Vec::with_capacity(answers.logits.len());
        for (logits, label) in self.answers(&answers.logits, targets) {
            // Where none is asked for, no answer is wrong.
            let Some(label) = label else {
                gradient.resize(gradient.len() + logits.len(), 0.0);
                continue;
            };
            let mut of = self.probabilities(logits);
            of[label] -= 1.0;
            gradient.extend(of.into_iter().map(|value| value as f32));
        }
        gradient
    }

    /// How many answers there were, their mean loss, and all else.
    pub(super) fn judge(&self, answers: &Answers, targets: &Targets) -> (u64, f64, Classified) {
        let mut sums = ClassSums::new(self);
        let (mut mistakes, mut found) = (Vec::new(), Vec::new());
        sums.add(self, answers, targets, |sample, label, Class { class, probability }| {
            found.push(class as u16);
            if let Some(label) = label.filter(|&label| label != class) {
                mistakes.push(Mistake { sample, label, class, probability: probability as f32 });
            }
        });
        let labels = targets.classes().unwrap_or_default();
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.sample.cmp(&b.sample)));
        let (count, mean, detail) = sums.scores(self);
        // What training lowers.
        let mean = answers.joint_loss(labels).map_or(mean, |sum| sum / count as f64);
        (count, mean, Classified { spans: self.spans(answers, labels, &found), mistakes, ..detail })
    }
}

/// What scores of classes follow from, answer by answer, to which more can be added.
#[derive(Clone, Debug)]
pub(super) struct ClassSums {
    loss: CrossEntropy,
    counts: ClassCounts,
}

impl ClassSums {
    /// Of no answers yet.
    pub(super) fn new(task: &Classify) -> ClassSums {
        ClassSums { loss: CrossEntropy::default(), counts: ClassCounts::new(task.classes.len()) }
    }

    /// Adds answers, and gives `take` each with its index and, where one is asked for, its label.
    pub(super) fn add(
        &mut self,
        task: &Classify,
        answers: &Answers,
        targets: &Targets,
        mut take: impl FnMut(usize, Option<usize>, Class),
    ) {
        for (sample, (logits, label)) in task.answers(&answers.logits, targets).enumerate() {
            let answer = task.answer_at(answers, sample);
            take(sample, label, answer);
            let Some(label) = label else { continue };
            self.loss.add(logits, label);
            self.counts.add(label, answer.class);
        }
    }

    /// How many answers there were, their mean loss, and what follows from counts of answers alone.
    pub(super) fn scores(self, task: &Classify) -> (u64, f64, Classified) {
        let ClassSums { loss, counts } = self;
        let detail = Classified {
            correct: counts.correct(),
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
            classes: counts.scores(&task.classes),
            confusion: counts.into_confusion(),
            ..Classified::default()
        };
        (loss.count(), loss.mean(), detail)
    }
}

impl Classify {
    /// How the spans of tags were found, where they mark such.
    fn spans(&self, answers: &Answers, labels: &[u16], found: &[u16]) -> Option<Box<SpanScores>> {
        // A description with other classes is refused.
        let mut counts = SpanCounts::new(self.tag_set().ok().flatten()?);
        let steps: usize = answers.lengths.iter().sum();
        assert_eq!(steps, labels.len(), "the lengths of the sequences, at whose ends spans end");
        counts.add_all(labels, found, answers.lengths.iter().copied());
        Some(Box::new(counts.finish()))
    }
}

pub(super) fn largest(values: &[f32]) -> usize {
    first_largest(values, 0..values.len()).unwrap_or(0)
}

/// The class of the largest logit but that of `class`, the first of them where several are.
pub(crate) fn runner_up(logits: &[f32], class: usize) -> Option<usize> {
    first_largest(logits, (0..logits.len()).filter(|&other| other != class))
}

/// Where among these the largest value is.
fn first_largest(values: &[f32], mut among: impl Iterator<Item = usize>) -> Option<usize> {
    let first = among.next()?;
    Some(among.fold(first, |best, index| match values[index].total_cmp(&values[best]).is_gt() {
        true => index,
        false => best,
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use birnn_kernels::Crf;

    use super::super::{Evaluation, Task};
    use super::*;

    fn labels(labels: &[u16]) -> Targets {
        Targets::of_sequences(labels.to_vec())
    }

    fn abc() -> Task {
        Task::classify(["a", "b", "c"].map(str::to_owned).to_vec())
    }

    #[test]
    fn an_evaluation_follows_from_the_answers() {
        let sure = 20.0_f32;
        // Labels a a b b b; predictions a b b b a; nothing is c.
        let logits =
            [[sure, 0.0, 0.0], [0.0, sure, 0.0], [0.0, sure, 0.0], [0.0, sure, 0.0], [sure, 0.0, 0.0]];
        let labels = Targets::of_sequences(vec![0, 0, 1, 1, 1]);
        let found = abc().evaluate(&Answers::from(logits.as_flattened().to_vec()), &labels);
        assert_eq!((found.positions, found.headline().value), (5, 0.6));
        assert!((found.loss - 2.0 * 20.0 / 5.0).abs() < 1e-6, "{}", found.loss);
        let detail = found.classified().unwrap();
        assert_eq!((detail.correct, detail.accuracy), (3, 0.6));
        let mistakes: Vec<_> = detail.mistakes.iter().map(|m| (m.sample, m.label, m.class)).collect();
        assert_eq!(mistakes, [(1, 0, 1), (4, 1, 0)], "equally sure, so in order");
        assert!(detail.mistakes.iter().all(|mistake| mistake.probability > 0.99));
    }

    #[test]
    fn an_evaluation_reads_back_as_it_was_written() {
        let found = abc().evaluate(&Answers::from(vec![0.1, 0.2, 0.3, 3.0, 2.0, 1.0]), &labels(&[2, 0]));
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.starts_with("{\"samples\":2,\"loss\":"), "{text}");
        assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), found);
    }

    /// As lines of runs are that were trained before.
    #[test]
    fn an_older_evaluation_is_read() {
        let old = r#"{"images":4,"correct":3,"accuracy":0.75,"loss":0.5,"classes":[{"class":"a","precision":1.0,
            "recall":1.0,"f1":1.0,"images":4}],"confusion":[[3,1],[0,0]]}"#;
        let found: Evaluation = serde_json::from_str(old).unwrap();
        assert_eq!((found.positions, found.loss, found.classified().unwrap().confusion.0[0][0]), (4, 0.5, 3));
        let least = r#"{"images":4,"correct":3,"accuracy":0.75,"loss":0.5,"added_later":1}"#;
        assert_eq!(serde_json::from_str::<Evaluation>(least).unwrap().headline().value, 0.75);
    }

    /// softmax([1, 2, 3]), by hand.
    #[test]
    fn probabilities_are_the_softmax() {
        let Task::Classify(task) = abc() else { panic!("classes were wanted") };
        for shift in [0.0, 1000.0, -1000.0] {
            let found = task.probabilities(&[1.0 + shift, 2.0 + shift, 3.0 + shift]);
            let expected = [0.090_030_57, 0.244_728_48, 0.665_240_94];
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{found:?}");
        }
        assert_eq!(task.answer(&[1.0, 3.0, 3.0]).class, 1, "the first of several");
        let ranked: Vec<usize> = task.ranked(&[0.2, 0.5, 0.3]).iter().map(|answer| answer.class).collect();
        assert_eq!(ranked, [1, 2, 0]);
    }

    /// softmax([1, 2, 3]) less what it should be.
    #[test]
    fn the_gradient_is_what_the_probabilities_are_off_by() {
        let found = abc().loss_gradient(&vec![1.0, 2.0, 3.0, 0.0, 0.0, 0.0].into(), &labels(&[2, 0]));
        let third = 1.0 / 3.0;
        let expected = [0.090_030_57, 0.244_728_48, -0.334_759_06, third - 1.0, third, third];
        assert!(found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-7), "{found:?}");
    }

    #[test]
    fn the_gradient_of_a_random_field_is_that_of_the_loss_of_whole_sequences() {
        let transitions = [0.3, -1.0, 2.0, 0.5, 0.0, -0.4, 1.5, -2.0, 0.1];
        let crf = Arc::new(Crf::new(3, &transitions, &[0.2, -0.3, 0.0], &[0.0, 0.4, -0.1], None));
        let emissions: Vec<f32> = (0..12).map(|index| (index * 7 % 5) as f32 / 2.0 - 1.0).collect();
        let answers = |emissions: Vec<f32>| Answers::new(emissions, vec![3, 1], Some(Arc::clone(&crf)));
        let targets = Targets { per: Per::Step, ..labels(&[2, 0, 1, 1]) };
        let found = abc().loss_gradient(&answers(emissions.clone()), &targets);
        for (index, found) in found.into_iter().enumerate() {
            let at = |by: f32| {
                let mut moved = emissions.clone();
                moved[index] += by;
                let evaluation = abc().evaluate(&answers(moved), &targets);
                evaluation.loss * evaluation.positions as f64
            };
            let expected = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((f64::from(found) - expected).abs() < 1e-3, "{index}: {found} and {expected}");
        }
    }

    /// A net that has gone wrong is not told of as one that is sure.
    #[test]
    fn what_is_no_number_stays_none() {
        let Task::Classify(task) = abc() else { panic!("classes were wanted") };
        assert!(task.answer(&[f32::NAN, 1.0, 2.0]).probability.is_nan());
        assert!(abc().evaluate(&Answers::from(vec![f32::NAN, 1.0, 2.0]), &labels(&[1])).loss.is_nan());
    }
}
