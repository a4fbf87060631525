//! Tests, extraction and the judgement of a step, through a scenario as small as possible.
