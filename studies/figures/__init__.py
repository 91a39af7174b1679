"""What is drawn of a study: pictures as data (`picture`), one module a search that makes them, and who draws them:
plotly for the browser, matplotlib for paper."""
