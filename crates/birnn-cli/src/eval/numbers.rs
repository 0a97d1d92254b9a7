//! How a net does on numbers, for people, with how sure that is.

use birnn_infer::{Evaluation, Filled, InUse, Regressed, significant};
use birnn_report::{Judged, score_table};

/// Scores of each number, with their 95 % intervals.
pub(super) fn table(
    found: &Evaluation,
    detail: &Regressed,
    judged: &[Judged],
    in_use: Option<&InUse>,
    of: &str,
) -> String {
    if let Some(Filled { mae, baseline_mae }) = detail.filled {
        return format!(
            "{of}: MAE {} standard deviations; {} without the net\n\n{}\n\
             baseline RMSE: that without the net\n{}",
            significant(mae),
            significant(baseline_mae),
            score_table(&detail.numbers, judged),
            in_use.map_or_else(String::new, told_in_use)
        );
    }
    format!(
        "{of}: RMSE {}, MAE {}, R2 {:.4}, loss {:.4}\n\n{}\n\
         baseline RMSE: that of always predicting the mean of the training targets\n",
        significant(detail.rmse),
        significant(detail.mae),
        detail.r2,
        found.loss,
        score_table(&detail.numbers, judged)
    )
}

/// What is to be said of a net that has read what it is asked for.
fn told_in_use(InUse { steps, whole, so_far }: &InUse) -> String {
    format!(
        "\nTHIS NET READS WHAT IT IS ASKED FOR (task.leak = \"show\"): all above is of no use.\n\
         In use, of {steps} of these steps: MAE {} standard deviations, given only what came before them;\n\
         {} as above, given what comes after, too; {} without the net.\n",
        significant(so_far.mae),
        significant(whole.mae),
        significant(so_far.baseline_mae)
    )
}
