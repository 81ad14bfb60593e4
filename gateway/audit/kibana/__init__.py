"""Kibana's objects, made from typed descriptions: what is shown (`boards`), how Kibana writes it down (`objects`), the files (`build`)."""
