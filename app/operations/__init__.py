"""Operations by hand: topics, groups, lag, dead letters, and the check of an installation."""
