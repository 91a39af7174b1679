"""What the browser shows of a study, and how workers keep it current: notes, figures, artifacts, the dashboard."""
