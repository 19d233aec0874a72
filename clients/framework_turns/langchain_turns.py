"""What langchain-classic's JSON chat agent sends: tool results under the user's role."""

from langchain_classic.agents import AgentExecutor, create_json_chat_agent
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from scripted import ASKED, BROUGHT, Message, give, says, situation


@tool
def read_page(name: str) -> str:
    """Reads a page."""
    return BROUGHT if name else ""


def run(url: str) -> None:
    llm = ChatOpenAI(model="scripted", base_url=url, api_key="none")
    placeholder = MessagesPlaceholder("agent_scratchpad")
    prompt = ChatPromptTemplate([("system", "Tools: {tools} {tool_names}"), ("human", "{input}"), placeholder])
    agent = create_json_chat_agent(llm, [read_page], prompt)
    AgentExecutor(agent=agent, tools=[read_page]).invoke({"input": ASKED})


def act(action: str, given: str) -> Message:
    return says(f'```json\n{{"action": "{action}", "action_input": "{given}"}}\n```')


READ, ENOUGH = act("read_page", "report"), act("Final Answer", "Twelve millions.")
give(
    "langchain-classic",
    [
        situation("the question", [ENOUGH], run, user=ASKED, beside=[]),
        situation("a tool's result", [READ, ENOUGH], run, user=ASKED, beside=[BROUGHT]),
        situation("two results", [READ, READ, ENOUGH], run, user=ASKED, beside=[BROUGHT, BROUGHT]),
    ],
)
