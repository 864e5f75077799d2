"""All pages of the console, in the order in which they are added."""

from functools import cache

from agent.console.account_pages import add_account_pages
from agent.console.day.day_pages import add_day_pages
from agent.console.filtering.explain_pages import add_explain_pages
from agent.console.filtering.filter_pages import add_filter_pages
from agent.console.incidents.incident_decision_pages import add_incident_decision_pages
from agent.console.incidents.incident_pages import add_incident_pages
from agent.console.incidents.letter_pages import add_letter_pages
from agent.console.incidents.own_report_pages import add_own_report_pages
from agent.console.incidents.queue_pages import add_queue_pages
from agent.console.incidents.step_pages import add_step_pages
from agent.console.machines.device_pages import add_device_pages
from agent.console.machines.media_erasure_pages import add_media_erasure_pages
from agent.console.machines.media_lost_pages import add_media_lost_pages
from agent.console.machines.media_pages import add_media_pages
from agent.console.machines.media_permit_pages import add_media_permit_pages
from agent.console.pages import Pages
from agent.console.people.notification_pages import add_notification_pages
from agent.console.people.people_import_pages import add_people_import_pages
from agent.console.people.people_pages import add_people_pages
from agent.console.people.token_pages import add_token_pages
from agent.console.registers.governor_pages import add_governor_pages
from agent.console.registers.record_pages import add_record_pages
from agent.console.registers.register_pages import add_register_pages
from agent.console.requests.decision_pages import add_decision_pages
from agent.console.requests.request_pages import add_request_pages
from agent.console.requests.suspension_pages import add_suspension_pages
from agent.console.requests.teaching_pages import add_teaching_pages
from agent.console.setup.setup_pages import add_setup_pages


@cache
def console_pages() -> Pages:
    """Make the pages, which know no gateway: what they work with comes with each request."""
    pages = Pages()
    add_account_pages(pages)
    add_day_pages(pages)
    add_queue_pages(pages)
    add_explain_pages(pages)
    add_filter_pages(pages)
    add_teaching_pages(pages)
    add_request_pages(pages)
    add_decision_pages(pages)
    add_suspension_pages(pages)
    # Fixed names before those of an incident.
    add_own_report_pages(pages)
    add_step_pages(pages)
    add_letter_pages(pages)
    add_incident_decision_pages(pages)
    add_incident_pages(pages)
    add_register_pages(pages)
    add_record_pages(pages)
    add_governor_pages(pages)
    add_people_import_pages(pages)
    add_people_pages(pages)
    add_token_pages(pages)
    add_notification_pages(pages)
    add_device_pages(pages)
    # Permits and what is lost before what takes any word for a number.
    add_media_permit_pages(pages)
    add_media_lost_pages(pages)
    add_media_erasure_pages(pages)
    add_media_pages(pages)
    add_setup_pages(pages)
    return pages
