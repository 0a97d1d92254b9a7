//! How a net does on numbers, for people, with how sure that is.

use birnn_infer::{Evaluation, Filled, Regressed, significant};
use birnn_report::{Judged, score_table};

/// Scores of each number, with their 95 % intervals.
pub(super) fn table(found: &Evaluation, detail: &Regressed, judged: &[Judged], of: &str) -> String {
    if let Some(Filled { mae, baseline_mae }) = detail.filled {
        return format!(
            "{of}: MAE {} standard deviations; {} without the net\n\n{}\n\
             baseline RMSE: that without the net\n",
            significant(mae),
            significant(baseline_mae),
            score_table(&detail.numbers, judged)
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
